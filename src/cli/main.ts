#!/usr/bin/env node
/**
 * # annotated-kafka
 *
 * The command. Each subcommand loads its own modules when it is called, because the time
 * from process start to `ready` is part of what a user of `start` feels.
 *
 * Exit codes: 0 done, 1 failed, 2 wrong usage.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Command, CommanderError } from 'commander'
import { IllegalArgumentException } from '../base/errors.ts'
import { loadBootBundle } from './boot-bundle.ts'
import { keyValue, oneOf, port, positive } from './flags.ts'
import { endWithReader } from './stdout.ts'
import { addToolCommands } from './tool-commands.ts'

const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string }

const program = new Command('annotated-kafka')
  .description('Apache Kafka 1.1, annotated: run it, watch it, read it')
  .version(version)
  .showHelpAfterError()
  .exitOverride()
  .hook('preAction', (_, command) => endWithReader(command.name()))

program
  .command('start')
  .description('run a cluster until Ctrl-C; prints one line `ready …` when it serves')
  .option('--brokers <n>', 'number of brokers', positive, 1)
  .option(
    '--port <port>',
    'port of the first broker, the next take the next',
    port,
    9092,
  )
  .option('--data-dir <dir>', 'where logs and ZooKeeper data are kept')
  .option('--zookeeper <host:port>', 'use this ZooKeeper instead of an embedded one')
  .option('--zookeeper-port <port>', 'port of the embedded ZooKeeper (0: any)', port, 0)
  .option('--config <file>', 'a server.properties file')
  .option('--override <key=value>', 'set one configuration key', keyValue, [])
  .option(
    '--metrics-port <port>',
    'serve /metrics of the first broker here, of the next on the next',
    port,
  )
  .action(async (options) => {
    // One file, compiled when it was built, loads many times as fast as six hundred.
    const boot = loadBootBundle(
      fileURLToPath(new URL('../boot/start.cjs', import.meta.url)),
    )
    const { start } = boot?.exports ?? (await import('./start.ts'))
    await start(options)
  })

program
  .command('zookeeper')
  .description('run the embedded ZooKeeper alone until Ctrl-C')
  .argument('[config]', 'a zoo.cfg, or zookeeper.properties, file')
  .option('--port <port>', 'client port (0: any); 2181 without a file', port)
  .option('--data-dir <dir>', 'where its transaction log and snapshots are kept')
  .option('--override <key=value>', 'set one entry of the file', keyValue, [])
  .action(async (config, options) => {
    await (await import('./zookeeper.ts')).zookeeper(config, options)
  })

program
  .command('trace')
  .description('run example traces on a cluster in this process and print what ran')
  .argument('[names...]', 'names of traces, or `all`')
  .option('--check', 'hold what ran against the notes, line by line')
  .option(
    '--format <format>',
    'tree, mermaid, json or perfetto',
    oneOf('tree', 'mermaid', 'json', 'perfetto'),
    'tree',
  )
  .option('--full', 'tree: also background work and paragraphs')
  .option('--real', 'on real sockets and files, in real time; otherwise in memory')
  .option('--out <dir>', 'write what the site shows of each trace into this directory')
  .action(async (names: string[], options) => {
    // The traced build is the one that can be watched; it stands beside this one.
    const { trace } = (await import(
      traced('cli/trace.js')
    )) as typeof import('./trace.ts')
    process.exitCode = await trace(names, options)
  })

addToolCommands(program)

program
  .command('dump-log')
  .description('print files of a log: .log .index .timeindex .txnindex .snapshot')
  .requiredOption('--files <file1,file2>', 'what to print')
  .option('--print-data-log', 'print keys and values, too')
  .option('--deep-iteration', 'print records, not batches')
  .option('--index-sanity-check', 'only check indexes, as a broker does when it starts')
  .option('--verify-index-only', 'only hold indexes against their log')
  .option('--max-message-size <size>', 'size of the largest message', positive, 5242880)
  .option('--key-decoder-class [class]', 'StringDecoder, LongDecoder or IntegerDecoder')
  .option('--value-decoder-class [class]', 'the same, of package kafka.serializer')
  .option('--offsets-decoder', 'read it as a log of __consumer_offsets')
  .option('--transaction-log-decoder', 'read it as a log of __transaction_state')
  .action(async (options) => (await import('./dump-log.ts')).dumpLog(options))

program
  .command('bench')
  .description('run benchmarks, each beside its physical limit in the same run')
  .argument(
    '[names...]',
    'boot, produce, fetch, latency, replicate, failover, append, read, recover, ' +
      'clean, rebalance, old-consumer, recording; default all',
  )
  .option('--seconds <n>', 'length of one measurement', positive, 4)
  .action(async (names: string[], options) => {
    process.exitCode = await (await import('./bench.ts')).bench(names, options)
  })

program
  .command('chaos')
  .description('harm a cluster of processes and check that it keeps its promises')
  .option('--seconds <n>', 'how long faults go on', positive, 30)
  .option('--brokers <n>', 'number of brokers, at least 3', positive, 3)
  .option('--seed <n>', 'seed of the faults; a random one when absent', positive)
  .option('--keep', 'keep the directory even when all is well')
  .option('--verbose', 'say each fault as it begins and ends')
  .action(async (options) => {
    process.exitCode = await (await import('./chaos.ts')).chaos(options)
  })

program
  .command('tour')
  .description('run the notes, print the tour, then serve the site until Ctrl-C')
  .option('--port <port>', 'port of the site', port, 8080)
  .option('--no-site', 'end after the tour')
  .action(async (options) => (await import('./tour.ts')).tour(options))

/** Path of a module in the traced build, as seen from this file in either build. */
function traced(module: string): string {
  return new URL(
    import.meta.url.includes('/traced/') ? `../${module}` : `../traced/${module}`,
    import.meta.url,
  ).href
}

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed what was wrong, or the help that was asked for.
    process.exitCode = error.exitCode === 0 ? 0 : 2
  } else {
    const message = error instanceof Error ? error.message : String(error)
    process.stderr.write(`annotated-kafka: ${message}\n`)
    process.exit(error instanceof IllegalArgumentException ? 2 : 1)
  }
}
