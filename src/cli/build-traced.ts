/**
 * # The traced build
 *
 * Makes `dist/traced/`: the same sources, instrumented (see `trace/instrument.ts`) and
 * compiled file by file. The plain build in `dist/` stays untouched; only `annotated-kafka
 * trace` and the site load this one. Run by `npm run build`, after `tsc`.
 *
 * @module
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, posix, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { instrument, isInstrumented } from '../trace/instrument.ts'

/** Instruments and compiles every source under `sourceDir` into `targetDir`. */
export function buildTraced(sourceDir: string, targetDir: string): number {
  rmSync(targetDir, { recursive: true, force: true })
  let count = 0
  for (const entry of readdirSync(sourceDir, { recursive: true, encoding: 'utf8' })) {
    const name = entry.replaceAll('\\', '/')
    if (
      !name.endsWith('.ts') ||
      name.endsWith('.d.ts') ||
      /^(cli\/build-\w+|trace\/instrument)\.ts$/.test(name)
    ) {
      continue
    }
    compile(name, join(sourceDir, name), targetDir)
    count++
  }
  return count
}

function compile(name: string, path: string, targetDir: string): void {
  const source = readFileSync(path, 'utf8')
  const runtime = relativeModule(name, 'trace/runtime.ts')
  const text = isInstrumented(name)
    ? instrument(source, { runtime, fileName: name })
    : source
  const { outputText } = ts.transpileModule(text, {
    fileName: name,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
    },
  })
  const target = join(targetDir, name.replace(/\.ts$/, '.js'))
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, outputText)
}

/** Specifier of `to` as seen from the source file `from`; both relative to `src/`. */
function relativeModule(from: string, to: string): string {
  const path = posix.relative(posix.dirname(from), to)
  return path.startsWith('.') ? path : `./${path}`
}

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..', '..')
const count = buildTraced(join(root, 'src'), join(root, 'dist', 'traced'))
process.stdout.write(
  `instrumented ${count} files into ${relative(root, 'dist/traced')}\n`,
)
