/** Where our broker answers otherwise than Apache Kafka 1.1.1 on purpose, and why. */

/** One kind of difference. */
export interface WantedDifference {
  /** Of which of the subjects of `answers.test.ts`. */
  readonly subject: string

  /** What the lines of such differences look like. */
  readonly line: RegExp

  /** Why it is so. */
  readonly why: string
}

/** How the names begin of settings that are absent here. */
const notBuilt = [
  ...['alter.config.policy', 'authorizer', 'create.topic.policy', 'delegation.token'],
  ...['metric', 'password.encoder', 'principal.builder', 'queued.max.request.bytes'],
  ...['sasl', 'security', 'ssl', 'zookeeper.set.acl'],
].join('|')

/** All of them. */
export const wantedDifferences: readonly WantedDifference[] = [
  {
    subject: 'topics',
    line: /CreateTopics with .*\.errorCode: ours 40, apache -1$/,
    why: 'a value that cannot be is INVALID_CONFIG; 1.1.1 knows no better than UNKNOWN',
  },
  {
    subject: 'topics',
    line: /CreateTopics with null for a value, .*errorMessage/,
    why: 'it is said which value is missing',
  },
  {
    subject: 'topics',
    line: /CreatePartitions for "\.*" results.*errorCode: ours 3, apache -1$/,
    why: 'a name that is no path belongs to no topic; 1.1.1 asks ZooKeeper, and fails',
  },
  {
    subject: 'settings',
    line: /(Describe|Alter)Configs of type -1/,
    why: 'a type that does not exist is refused; 1.1.1 hangs up',
  },
  {
    subject: 'settings',
    line: /AlterConfigs null, .*errorMessage/,
    why: 'it is said which value is missing',
  },
  {
    subject: 'settings',
    line: new RegExp(
      `DescribeConfigs of a broker.*\\.configs\\.(${notBuilt}).*: ours undefined, apache`,
    ),
    why: 'settings of what is not built: security, policies, reporters',
  },
  {
    subject: 'settings',
    line: /zookeeper\.connect\.synonyms/,
    why: 'it has an empty default here',
  },
  {
    subject: 'transactions',
    line: /EndTxn of a later epoch errorCode: ours 47, apache 48$/,
    why: 'an epoch nobody was given is refused first; 1.1.1 looks at the state before',
  },
  {
    subject: 'transactions',
    line: /EndTxn after one of a later epoch errorCode: ours 0, apache 51$/,
    why: 'a question that was refused leaves nothing; 1.1.1 takes it for one under way',
  },
  {
    subject: 'reading',
    line: /ListOffsets -1 of them .*: ours 0, apache -1$/,
    why: 'fewer than none is none; 1.1.1 fails',
  },
  {
    subject: 'reading',
    line: /OffsetForLeaderEpoch 0 of packed-1 .*: ours 0, apache -1$/,
    why: 'a leader notes its epoch when it takes office, and not with its first record',
  },
  {
    subject: 'reading',
    line: /Fetch of (packed|gzip) .*records/,
    why: 'what is packed again for an old client is packed by another zlib',
  },
]
