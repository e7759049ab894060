/**
 * # The trace `server-startup`
 *
 * A broker starts: every component of the notes, in the order of the notes.
 *
 * @module
 */
import type { ExampleTrace } from '../ExampleTrace.ts'
import { onStage } from '../stage.ts'

/** A broker starts. */
export const serverStartup: ExampleTrace = {
  name: 'server-startup',
  title: 'a broker starts its parts one after the other, and serves',
  heading: '# KafkaServer',
  roots: ['KafkaServer.startup'],

  async run(record, world) {
    await record(() => onStage(world, async () => {}))
  },
}
