// Keeps the page small: what the browser loads before the first screen, compressed as it is sent.
// Runs after the build, which also runs before anything but Node 18 can be counted on.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const LIMIT_BYTES = 150 * 1024
const built = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist', 'web')

const index = readFileSync(join(built, 'index.html'), 'utf8')
const firstLoad = [...index.matchAll(/(?:src|href)="\/(assets\/[^"]+\.(?:js|css))"/g)].map(([, path]) => path)
if (firstLoad.length === 0) fail('dist/web/index.html loads no script: build the page first (npm run page)')
if (/<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=/i.test(index)) {
  fail(
    'dist/web/index.html holds an inline script, style or handler: the Content-Security-Policy forbids them',
  )
}

// Each reader loads the catalogue of one language as well: the largest counts.
const catalogues = readdirSync(join(built, 'assets')).filter((name) => /^text-[a-z]{2}-/.test(name))
if (catalogues.length === 0)
  fail('dist/web/assets holds no catalogue text-*.js: see chunkFileNames in web/vite.config.ts')

const sizeOf = (path) => ({ path, bytes: gzipSync(readFileSync(join(built, path)), { level: 9 }).length })
const largest = catalogues.map((name) => sizeOf(`assets/${name}`)).sort((a, b) => b.bytes - a.bytes)[0]
const sizes = [...firstLoad.map(sizeOf), largest]
const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0)
const later = readdirSync(join(built, 'assets')).filter(
  (name) =>
    ['.js', '.css'].includes(extname(name)) &&
    !firstLoad.includes(`assets/${name}`) &&
    `assets/${name}` !== largest.path,
)

for (const { path, bytes } of sizes) console.log(`${kilobytes(bytes)}  ${path}`)
console.log(
  `${kilobytes(total)}  first load, of at most ${kilobytes(LIMIT_BYTES)} (gzip); ${later.length} files load later`,
)
if (total > LIMIT_BYTES)
  fail('The page is too large. Load what not every screen needs with import() on demand.')

function kilobytes(bytes) {
  return `${(bytes / 1024).toFixed(1)} kB`.padStart(9)
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
