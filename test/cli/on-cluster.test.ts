import { describe, expect, it } from 'vitest'
import { clientSettings } from '../../src/cli/on-cluster.ts'

describe('clientSettings()', () => {
  it('takes a name and a time, and leaves the rest alone', () => {
    const text = 'client.id=me\nrequest.timeout.ms=50\nretries=3\n'
    expect(clientSettings(text)).toEqual({ clientId: 'me', requestTimeoutMs: 50 })
    expect(clientSettings('')).toEqual({ requestTimeoutMs: 30_000 })
  })

  it('refuses security, which is not there, and a time that is none', () => {
    expect(() => clientSettings('security.protocol=SSL')).toThrow(
      'security.protocol is SSL; expected PLAINTEXT',
    )
    expect(() => clientSettings('request.timeout.ms=soon')).toThrow(
      'request.timeout.ms is soon; expected 1 or more',
    )
  })
})
