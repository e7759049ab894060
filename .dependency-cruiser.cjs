/**
 * The layering of src/: a wing imports only from wings that stand before it here, and no
 * import circle exists anywhere. `docs/architecture.md` says why.
 */
const wings = [
  ['base', []],
  ['trace', ['base']],
  ['protocol', ['base']],
  ['record', ['base', 'protocol']],
  ['log', ['base', 'protocol', 'record']],
  ['zookeeper', ['base']],
  ['zk', ['base', 'zookeeper']],
  ['network', ['base', 'protocol', 'record', 'zookeeper', 'zk']],
  ['replica', ['base', 'protocol', 'record', 'log', 'zookeeper', 'zk', 'network']],
  ['controller', ['base', 'protocol', 'zookeeper', 'zk', 'network']],
  ['coordinator', ['base', 'protocol', 'record', 'log', 'zookeeper', 'zk', 'network', 'replica']],
  ['security', ['base', 'protocol', 'zookeeper', 'zk']],
  [
    'server',
    ['base', 'protocol', 'record', 'log', 'zookeeper', 'zk', 'network', 'replica', 'controller', 'coordinator', 'security'],
  ],
  ['clients', ['base', 'protocol', 'record', 'network']],
  ['producer', ['base', 'protocol', 'record', 'zookeeper', 'zk', 'network']],
  ['consumer', ['base', 'protocol', 'record', 'zookeeper', 'zk', 'network', 'producer']],
]

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circle',
      comment: 'Value imports form a directed graph without circles.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    ...wings.map(([wing, may]) => ({
      name: `layer-${wing}`,
      comment: `src/${wing} may import: ${may.join(', ') || 'nothing of ours'}`,
      severity: 'error',
      from: { path: `^src/${wing}/` },
      to: { path: '^src/', pathNot: `^src/(${[wing, ...may].join('|')})/` },
    })),
    {
      name: 'platform-ports',
      comment: 'Only the node platform and the edges (cli, traces, testing) touch Node.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: '^src/(base/platform/node|cli|traces|testing)/',
      },
      to: {
        dependencyTypes: ['core'],
        pathNot: '^(node:)?(buffer|zlib|module)$',
      },
    },
    {
      name: 'zookeeper-client-behind-its-interface',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/zookeeper/' },
      to: { path: 'node_modules/node-zookeeper-client' },
    },
    {
      name: 'nothing-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
}
