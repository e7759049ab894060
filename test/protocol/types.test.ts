import { describe, expectTypeOf, it } from 'vitest'
import type {
  FetchResponse,
  FetchResponseInput,
} from '../../src/protocol/messages/Fetch.ts'
import type {
  InitProducerIdResponse,
  InitProducerIdResponseInput,
} from '../../src/protocol/messages/InitProducerId.ts'
import type {
  MetadataRequest,
  MetadataRequestInput,
} from '../../src/protocol/messages/Metadata.ts'

describe('types inferred from a table', () => {
  it('give every field of every version when decoding', () => {
    expectTypeOf<MetadataRequest>().toEqualTypeOf<{
      readonly topics: { readonly name: string }[] | null
      readonly allowAutoTopicCreation: boolean
    }>()
    expectTypeOf<InitProducerIdResponse>().toEqualTypeOf<{
      readonly throttleTimeMs: number
      readonly errorCode: number
      readonly producerId: bigint
      readonly producerEpoch: number
    }>()
    type Partition = FetchResponse['responses'][number]['partitions'][number]
    expectTypeOf<Partition['records']>().toEqualTypeOf<Buffer | null>()
    expectTypeOf<Partition['abortedTransactions']>().toEqualTypeOf<
      { readonly producerId: bigint; readonly firstOffset: number }[] | null
    >()
  })

  it('let fields with a default be left out when encoding', () => {
    expectTypeOf<{ topics: null }>().toExtend<MetadataRequestInput>()
    expectTypeOf<{
      allowAutoTopicCreation: true
    }>().not.toExtend<MetadataRequestInput>()
    expectTypeOf<{ responses: [] }>().toExtend<FetchResponseInput>()
    expectTypeOf<FetchResponse>().toExtend<FetchResponseInput>()
    expectTypeOf<{
      errorCode: number
      producerId: number
      producerEpoch: number
    }>().not.toExtend<InitProducerIdResponseInput>()
  })
})
