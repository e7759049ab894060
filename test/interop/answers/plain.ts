/** Makes answers of two brokers comparable. */

/** What names the elements of a list, the first that they have. */
const names = [
  ...['topicName', 'name', 'topic', 'groupId', 'resourceName', 'partition', 'index'],
  ...['apiKey', 'memberId', 'nodeId', 'logDir', 'producerId'],
]

/** What one broker has for itself. */
export interface Own {
  readonly port: number
  readonly root: string
}

/**
 * An answer as JSON has it, without what no two brokers share. Lists of objects become
 * tables by name: their order is that of a hash table.
 */
export function plain(value: unknown, own: Own, key = ''): unknown {
  if (Buffer.isBuffer(value)) return withoutOwnBytes(value).toString('hex')
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number') return plainNumber(value, own, key)
  if (typeof value === 'string') return plainText(value, own, key)
  if (typeof value !== 'object' || value === null) return value
  if (!Array.isArray(value)) {
    const entries = Object.entries(value)
    return Object.fromEntries(entries.map(([k, v]) => [k, plain(v, own, k)]))
  }
  const elements = value.map((element) => plain(element, own, key))
  if (!elements.some((element) => typeof element === 'object')) return elements

  // Name each; the second of one name gets a mark.
  const table: Record<string, unknown> = {}
  for (const element of elements.map(withName).sort(byNameAndContent)) {
    let name = element[0]
    while (name in table) name += "'"
    table[name] = element[1]
  }
  return table
}

function withName(element: unknown): [string, unknown] {
  const fields = element as Record<string, unknown>
  const field = names.find((name) => name in fields)
  return [
    String(field === undefined ? JSON.stringify(element) : fields[field]),
    element,
  ]
}

/** Members are drawn by chance and have one name: what they do tells them apart. */
function byNameAndContent(a: [string, unknown], b: [string, unknown]): number {
  const [left, right] = [a, b].map(([name, element]) => name + JSON.stringify(element))
  return (left as string) < (right as string) ? -1 : 1
}

function plainNumber(value: number, { port }: Own, key: string): unknown {
  if (key === 'port' && value === port) return 'PORT'
  if (key === 'sessionId' && value !== 0) return 'SESSION'
  if (key === 'logAppendTimeMs' && value > 1e12) return 'NOW'
  if (key === 'partitionSize') return 'BYTES'
  return value
}

function plainText(value: string, { port, root }: Own, key: string): string {
  if (key === 'errorMessage') return 'WORDS'
  if (key === 'clusterId') return 'CLUSTER'
  return value
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID')
    .replaceAll(`127.0.0.1:${port}`, 'ADDRESS')
    .replace(new RegExp(`${root}/(apache|ours)-logs`, 'g'), 'DIR')
    .replace(/127.0.0.1:\d+\/(apache|ours)/, 'ZOOKEEPER')
}

/**
 * Batches in which zeros stand for what only one broker writes so: the header of gzip,
 * which names the system, the times of a marker, and the CRC over them.
 */
function withoutOwnBytes(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  for (let at = 0; at + 17 <= copy.length; ) {
    const end = at + 12 + copy.readInt32BE(at + 8)
    const start = copy.subarray(at, end).indexOf('1f8b08', 'hex')
    if (end <= at || end > copy.length) break
    if (start >= 0) copy.fill(0, at + start, at + start + 10)
    const magic = copy[at + 16]
    const isMarker = magic === 2 && ((copy[at + 22] ?? 0) & 0x20) !== 0
    if (isMarker) copy.fill(0, at + 27, at + 43)
    const crc = at + (magic === 2 ? 17 : 12)
    if (start >= 0 || isMarker) copy.fill(0, crc, crc + 4)
    at = end
  }
  return copy
}
