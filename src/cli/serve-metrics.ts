/**
 * # A server for metrics
 *
 * Answers `GET /metrics` with the metrics of one broker, in the text format of Prometheus,
 * and one of the process: `event_loop_idle_ratio`, the share of the time since the last
 * answer in which the event loop had nothing to do. Everything in the process shares that
 * loop, so this says how close to its limit a broker is.
 *
 * @module
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What is served. */
export interface MetricsText {
  /** Reads all metrics. */
  text(): Promise<string>
}

/** A server that listens. */
export interface MetricsServer {
  readonly port: number
  /** Stops it, whoever is connected. */
  close(): void
}

/**
 * Serves metrics on 127.0.0.1.
 *
 * @param port - 0 lets the system choose
 * @throws (rejects) when the port is taken
 */
export function serveMetrics(
  metrics: MetricsText,
  port: number,
): Promise<MetricsServer> {
  let before = performance.eventLoopUtilization()
  const idleRatio = () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    return 1 - utilization
  }
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0]
    if (path !== '/metrics' || request.method !== 'GET') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('see /metrics\n')
      return
    }

    // A broker that is just ending has nothing to tell.
    metrics.text().then(
      (text) => {
        const type = 'text/plain; version=0.0.4; charset=utf-8'
        const whole = `${text}\n${idleText(idleRatio())}`
        response.writeHead(200, { 'content-type': type }).end(whole)
      },
      (error: unknown) => {
        response.writeHead(503, { 'content-type': 'text/plain' }).end(`${error}\n`)
      },
    )
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () => {
          server.close()
          server.closeAllConnections()
        },
      })
    })
  })
}

function idleText(ratio: number): string {
  const name = 'event_loop_idle_ratio'
  const help = 'share of the time since the last answer in which the process was idle'
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${ratio.toFixed(4)}\n`
}
