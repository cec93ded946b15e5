// Makes a fresh clone ready for `npm start` and `npm test`: libraries, the built page, system packages.
// Runs before anything is installed, so: plain JavaScript, built-ins of Node 18 and later only.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const purpose = process.argv[2] === 'test' ? 'test' : 'start'

/** Debian package → a program that proves it is there. */
const PACKAGES = {
  start: { nftables: 'nft' },
  test: {
    nftables: 'nft',
    iproute2: 'ip',
    nmap: 'nmap',
    hping3: 'hping3',
    tcpdump: 'tcpdump',
    'iputils-ping': 'ping',
    chromium: 'chromium',
  },
}

installLibraries()
preparePlaces()
if (purpose === 'start') buildPage()
installSystemPackages(PACKAGES[purpose])

function installLibraries() {
  const stamp = join(root, 'node_modules', '.gatehouse-lock')
  const wanted = hashOf([join(root, 'package-lock.json')])
  if (readIfThere(stamp) === wanted) return
  say('Installing the libraries. This takes about a minute, once.')
  // Not `npm ci`: docs/decisions/014.
  const words = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error']
  run('npm', words, 'The libraries could not be installed. Is the npm registry reachable?')
  writeFileSync(stamp, wanted)
}

/** Countries and networks of addresses: a matter of seconds, once for each version of the data. */
function preparePlaces() {
  const own = join(root, 'node_modules', '.bin', 'node')
  const script = join(root, 'scripts', 'places', 'build.ts')
  const done = spawnSync(existsSync(own) ? own : process.execPath, [script], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (done.status !== 0)
    say('Countries and networks could not be prepared: they will be missing. By hand: npm run places')
}

function buildPage() {
  const stamp = join(root, 'dist', 'web', '.stamp')
  const wanted = hashOf([
    join(root, 'package-lock.json'),
    ...filesBelow(join(root, 'web')),
    ...filesBelow(join(root, 'src', 'contract')),
  ])
  if (readIfThere(stamp) === wanted) return
  say('Building the page.')
  run(
    'npm',
    ['run', '--silent', 'page', '--', '--logLevel', 'warn'],
    'The page could not be built. The rest still works: bin/gatehouse run',
  )
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, wanted)
}

function installSystemPackages(packages) {
  const missing = Object.keys(packages).filter((name) => !isInstalled(packages[name]))
  if (missing.length === 0) return
  const command = `apt-get install -y ${missing.join(' ')}`
  const isRoot = typeof process.getuid === 'function' && process.getuid() === 0
  if (!isRoot || !isInstalled('apt-get')) {
    say(
      `Not installed: ${missing.join(', ')}. What needs them is switched off and says so. To install: sudo ${command}`,
    )
    return
  }
  say(`Installing system packages: ${missing.join(', ')}.`)
  const quiet = { DEBIAN_FRONTEND: 'noninteractive' }
  spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore' })
  const done = spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...quiet },
  })
  if (done.status !== 0) say(`The system packages could not be installed. By hand: ${command}`)
}

function isInstalled(program) {
  return ['/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/sbin', '/usr/local/bin'].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.name !== 'node_modules' && entry.name !== 'dist')
    .flatMap((entry) =>
      entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)],
    )
    .sort()
}

function hashOf(files) {
  const hash = createHash('sha256')
  for (const file of files) hash.update(file.slice(root.length)).update(readFileSync(file))
  return hash.digest('hex')
}

function readIfThere(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

function run(program, args, whenItFails) {
  const done = spawnSync(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  if (done.status === 0) return
  say(whenItFails)
  process.exit(1)
}

function say(sentence) {
  process.stderr.write(`gatehouse: ${sentence}\n`)
}
