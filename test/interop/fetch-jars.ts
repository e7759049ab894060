/**
 * Apache Kafka 1.1.1 for the interop suites: its jars, through Maven, into a directory that
 * is kept. Without Java, or without the jars and Maven, the reason is printed and every
 * test of these suites is listed as skipped.
 */
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'

/** Where everything of these suites is kept between runs. */
export const cacheDir = resolve('node_modules/.cache/annotated-kafka-interop')

/** The jars of Apache Kafka and of what it needs. */
export const jarDir = join(cacheDir, 'kafka-1.1.1')

const dependencies = [
  ['org.apache.kafka', 'kafka_2.12', '1.1.1'],
  ['log4j', 'log4j', '1.2.17'],
  ['org.slf4j', 'slf4j-log4j12', '1.7.25'],

  // Performance and verifiable clients; the web server that others of them need is not.
  ['org.apache.kafka', 'kafka-tools', '1.1.1', 'alone'],
  ['net.sourceforge.argparse4j', 'argparse4j', '0.7.0'],

  // Streams that keep their state in memory need no database.
  ['org.apache.kafka', 'kafka-streams', '1.1.1', 'alone'],
]

/** Why these suites cannot run; `undefined` when they can. */
export function missing(): string | undefined {
  if (!works('java', '-version')) return 'Java is not here'
  if (isComplete()) return undefined
  return 'the jars of Apache Kafka 1.1.1 are not here'
}

/** Called by vitest, once a run. */
export default function fetchJars(): void {
  fetchMissing()
  const reason = missing()
  if (reason === undefined) return
  console.warn(
    `\n  INTEROP: ${reason}. Nothing here is held against Apache Kafka itself;\n` +
      '  all tests of this suite are skipped. They need Java 8 to 17, and Maven once.\n',
  )
}

function fetchMissing(): void {
  // Nothing to do, or nothing to do it with.
  if (isComplete() || !works('java', '-version')) return
  if (!works('mvn', '--version')) {
    console.warn('\n  INTEROP: Maven is not here, so no jar can be fetched.')
    return
  }

  // Let Maven copy the jars; half a set is none.
  rmSync(jarDir, { recursive: true, force: true })
  mkdirSync(jarDir, { recursive: true })
  const pom = join(cacheDir, 'pom.xml')
  writeFileSync(pom, pomText())
  const goal = 'org.apache.maven.plugins:maven-dependency-plugin:copy-dependencies'
  const run = spawnSync(
    'mvn',
    ['-q', '-B', '-f', pom, goal, `-DoutputDirectory=${jarDir}`],
    { encoding: 'utf8', timeout: 240_000 },
  )
  if (run.status === 0 && readdirSync(jarDir).some((jar) => jar.startsWith('kafka_'))) {
    writeFileSync(join(jarDir, 'complete'), pomText())
    return
  }
  const why = `${run.error?.message ?? ''}${run.stdout}${run.stderr}`.slice(-1000)
  console.warn(`\n  INTEROP: Maven could not fetch the jars: ${why}`)
}

/** Whether all jars are here, those that the list names now. */
function isComplete(): boolean {
  const marker = join(jarDir, 'complete')
  return existsSync(marker) && readFileSync(marker, 'utf8') === pomText()
}

function pomText(): string {
  const all = '<exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion>'
  const without = `<exclusions>${all}</exclusions>`
  const items = dependencies.map(
    ([group, artifact, version, alone]) =>
      `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId>` +
      `<version>${version}</version>${alone ? without : ''}</dependency>`,
  )
  return (
    '<project xmlns="http://maven.apache.org/POM/4.0.0">' +
    '<modelVersion>4.0.0</modelVersion><groupId>interop</groupId>' +
    '<artifactId>interop</artifactId><version>1</version>' +
    `<dependencies>${items.join('')}</dependencies></project>\n`
  )
}

function works(command: string, flag: string): boolean {
  return spawnSync(command, [flag], { stdio: 'ignore' }).status === 0
}
