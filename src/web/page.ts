import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join, relative } from 'node:path'
import { brotliCompressSync, gzipSync, constants as zlib } from 'node:zlib'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
}
const COMPRESSED = new Set(['.html', '.js', '.css', '.json', '.webmanifest', '.svg', '.txt'])
/** Vite puts a hash of the content into each name below this folder. */
const HASHED = '/assets/'

interface Asset {
  readonly type: string
  readonly etag: string
  readonly isImmutable: boolean
  readonly plain: Buffer
  readonly gzip?: Buffer
  readonly brotli?: Buffer
}

/** The built page, held in memory: nothing is read once privileges are gone, and no path reaches the disk. */
export interface BuiltPage {
  /** Answers GET and HEAD of this path; false when the page has no such file. */
  send(path: string, request: IncomingMessage, response: ServerResponse): boolean
}

/** Reads the folder that `npm run page` made; undefined when there is none. Source maps stay out. */
export function loadPage(folder: string): BuiltPage | undefined {
  let names: string[]
  try {
    names = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && extname(entry.name) in TYPES)
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
  } catch {
    return undefined
  }
  const assets = new Map(names.map((name) => [`/${name}`, loadAsset(join(folder, name), `/${name}`)]))
  const index = assets.get('/index.html')
  if (!index) return undefined
  assets.set('/', index)
  return {
    send(path, request, response) {
      // Paths without an ending are places within the page: its own router reads them.
      const asset = assets.get(path) ?? (extname(path) === '' ? index : undefined)
      if (!asset) return false
      sendAsset(asset, request, response)
      return true
    },
  }
}

function loadAsset(file: string, path: string): Asset {
  const plain = readFileSync(file)
  const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`
  const type = TYPES[extname(path)] ?? 'application/octet-stream'
  const asset = { type, etag, isImmutable: path.startsWith(HASHED), plain }
  if (!COMPRESSED.has(extname(path)) || plain.length < 512) return asset
  return {
    ...asset,
    gzip: gzipSync(plain, { level: 9 }),
    brotli: brotliCompressSync(plain, { params: { [zlib.BROTLI_PARAM_QUALITY]: 9 } }),
  }
}

function sendAsset(asset: Asset, request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('cache-control', asset.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache')
  response.setHeader('vary', 'accept-encoding')
  response.setHeader('etag', asset.etag)
  if (request.headers['if-none-match'] === asset.etag) return void response.writeHead(304).end()
  const [encoding, bytes] = encodingFor(asset, String(request.headers['accept-encoding'] ?? ''))
  if (encoding) response.setHeader('content-encoding', encoding)
  response.writeHead(200, { 'content-type': asset.type, 'content-length': bytes.length })
  response.end(request.method === 'HEAD' ? undefined : bytes)
}

function encodingFor(asset: Asset, accepted: string): [string | undefined, Buffer] {
  if (asset.brotli && /\bbr\b(?!;q=0(?:\.0*)?(?:,|$))/.test(accepted)) return ['br', asset.brotli]
  if (asset.gzip && /\bgzip\b(?!;q=0(?:\.0*)?(?:,|$))/.test(accepted)) return ['gzip', asset.gzip]
  return [undefined, asset.plain]
}
