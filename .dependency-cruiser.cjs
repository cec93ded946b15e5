// The arrows of ARCHITECTURE.md, checked.
const parts = ['capture', 'detect', 'identify', 'intel', 'logs', 'policy', 'enforce', 'store', 'report', 'config', 'api', 'web', 'cli']
const product = { pathNot: '\\.test\\.ts$' }
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'model-imports-nothing', severity: 'error', comment: 'ipaddr.js alone: docs/decisions/001.',
      from: { path: '^src/model/', ...product }, to: { pathNot: '^(src/model/|node_modules/ipaddr\\.js)' },
    },
    { name: 'lib-knows-no-product', severity: 'error', from: { path: '^src/lib/', ...product }, to: { path: '^src/(?!lib/|model/)' } },
    ...parts.map((part) => ({
      name: `${part}-stands-alone`, severity: 'error',
      comment: 'Parts meet in watch.ts, pipeline.ts and main.ts, nowhere else: share a type in model/.',
      from: { path: `^src/${part}/`, ...product },
      to: { path: `^src/(${parts.filter((other) => other !== part).join('|')})/` },
    })),
    {
      name: 'kernel-has-three-doors', severity: 'error', comment: 'Only capture sources, owners and enforce touch the kernel; main and web wire it.',
      from: { path: '^src/(?!kernel/|capture/sources/|capture/worker\\.ts|identify/owners/|enforce/|main\\.ts|main/|core/|web\\.ts)', ...product },
      to: { path: '^src/kernel/' },
    },
    { name: 'koffi-lives-in-kernel', severity: 'error', from: { path: '^src/(?!kernel/)' }, to: { path: 'node_modules/koffi' } },
    {
      name: 'children-live-in-kernel', severity: 'error', comment: 'One folder may start programs: nothing from the wire reaches a shell.',
      from: { path: '^src/(?!kernel/)', ...product }, to: { path: '^(node:)?child_process$' },
    },
    {
      name: 'outsiders-know-the-contract-only', severity: 'error', comment: 'cli and the page speak HTTP: they import contract/ and lib/ alone.',
      from: { path: '^src/cli/', ...product }, to: { path: '^src/(?!cli/|contract/|lib/|model/)' },
    },
    {
      name: 'judgement-is-pure', severity: 'error', comment: 'Detectors and policy do no I/O: they replay.',
      from: { path: '^src/(detect/detectors|policy)/', ...product }, to: { dependencyTypes: ['core'] },
    },
    {
      name: 'only-main-wires', severity: 'error', comment: 'Nobody imports the files that put the parts together.',
      from: { path: '^src/(model|lib|kernel|contract|' + parts.join('|') + ')/', pathNot: '\\.test\\.ts$|^src/capture/worker\\.ts$' },
      to: { path: '^src/(main|web|pipeline|watch|replay|cli)\\.ts$|^src/(core|main)/' },
    },
    { name: 'no-test-code-in-product', severity: 'error', from: { path: '^src/', ...product }, to: { path: '^(test|bench)/' } },
  ],
  options: { tsPreCompilationDeps: true, tsConfig: { fileName: 'tsconfig.json' }, doNotFollow: { path: 'node_modules' } },
}
