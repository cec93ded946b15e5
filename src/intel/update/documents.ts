import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { type JsonPath, textIn, timeOf, Unusable } from '../formats/format.ts'
import type { FormatName } from '../formats/formats.ts'
import { JsonItems } from '../formats/json-items.ts'
import { type Download, type DownloadRequest, download, type Validators } from './download.ts'

/** Where a list comes from. */
export type Origin =
  | { readonly kind: 'file'; readonly path: string }
  | {
      readonly kind: 'url'
      readonly url: string
      /** It is in the network of whoever named it. */
      readonly isNear: boolean
      readonly authorization?: string
      /** Begins with the SHA-256 of the list, as `sha256sum` writes it. */
      readonly checksumUrl?: string
    }

export type Fetching = Pick<DownloadRequest, 'beforeHop' | 'maxBytes' | 'timeouts' | 'proxy'>

export type Opened =
  | Exclude<Download, { state: 'open' }>
  | { readonly state: 'open'; readonly validators: Validators; readonly documents: AsyncIterable<Document> }

export interface Document {
  readonly body: AsyncIterable<Uint8Array>
}

/** What a reader saw between the items of the document at hand; `documents` looks at it before it goes on. */
export interface Seen {
  readonly fields: Map<string, unknown>
}

const MOST_PAGES = 1_000
const MOST_EVENTS = 1_000
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const TAXII = 'application/taxii+json;version=2.1'

export const fieldKey = (path: JsonPath): string => path.join('/')

/** Opens a list: one document, or one after the other where its format has pages or events. Throws `Unusable`. */
export async function openDocuments(
  {
    origin,
    format,
    validators,
  }: { readonly origin: Origin; readonly format: FormatName; readonly validators: Validators },
  fetching: Fetching,
  seen: Seen,
): Promise<Opened> {
  if (origin.kind === 'file') return openFile(origin.path, fetching.maxBytes, validators)
  const fetch = (url: URL, known: Validators): Promise<Download> =>
    download({
      ...fetching,
      url,
      mayBePrivate: origin.isNear,
      validators: known,
      ...(origin.authorization !== undefined && { authorization: origin.authorization }),
      ...(format === 'taxii' && { accept: TAXII }),
    })
  const url = new URL(origin.url)
  if (format === 'misp-feed') return openEvents(url, validators, fetch)
  const first = await fetch(url, validators)
  if (first.state !== 'open') return first
  return { ...first, documents: format === 'taxii' ? pages(url, first, fetch, seen) : alone(first) }
}

type Fetch = (url: URL, validators: Validators) => Promise<Download>
type OpenDownload = Extract<Download, { state: 'open' }>

async function* alone(first: OpenDownload): AsyncGenerator<Document> {
  yield first
}

/** TAXII 2.1 §5.4: `more` says that there is another page, `next` which. Four parameters: a loop over what it was given. */
async function* pages(url: URL, first: OpenDownload, fetch: Fetch, seen: Seen): AsyncGenerator<Document> {
  let page: Download = first
  for (let count = 1; ; count++) {
    if (page.state !== 'open') throw new Unusable(`stopped after ${count - 1} pages`)
    seen.fields.clear()
    yield page
    const next = seen.fields.get('next')
    if (seen.fields.get('more') !== true || typeof next !== 'string') return
    if (count === MOST_PAGES) throw new Unusable(`has more than ${MOST_PAGES} pages`)
    const following = new URL(url)
    following.searchParams.set('next', next)
    page = await fetch(following, {})
  }
}

/** A MISP feed: manifest.json names the events, each of them a file beside it. The newest come first. */
async function openEvents(folder: URL, validators: Validators, fetch: Fetch): Promise<Opened> {
  const base = new URL(folder)
  if (!base.pathname.endsWith('/')) base.pathname += '/'
  const manifest = await fetch(new URL('manifest.json', base), validators)
  if (manifest.state !== 'open') return manifest
  const events: { readonly uuid: string; readonly at: number }[] = []
  const reader = new JsonItems({
    isItem: (path) => path.length === 1 && UUID.test(path[0] ?? ''),
    item: (item, [uuid = '']) =>
      void events.push({ uuid, at: timeOf(textIn(item, 'timestamp') ?? item['timestamp']) ?? 0 }),
    misfit: () => {},
  })
  const decoder = new TextDecoder()
  for await (const bytes of manifest.body) reader.write(decoder.decode(bytes, { stream: true }))
  reader.finish()
  const newest = events.sort((a, b) => b.at - a.at).slice(0, MOST_EVENTS)
  const documents = (async function* () {
    for (const { uuid } of newest) {
      const event = await fetch(new URL(`${uuid}.json`, base), {})
      if (event.state !== 'open') throw new Unusable('stopped in the middle')
      yield event
    }
  })()
  return { state: 'open', validators: manifest.validators, documents }
}

/** A file is unchanged while its size and time are. */
async function openFile(path: string, maxBytes: number, validators: Validators): Promise<Opened> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new Unusable(`cannot be read: ${path} (${error.code ?? error.message})`)
  })
  if (!found.isFile()) throw new Unusable(`is no file: ${path}`)
  if (found.size > maxBytes) throw new Unusable(`is larger than ${Math.round(maxBytes / 1e6)} MB`)
  const etag = `${found.size}-${found.mtimeMs}`
  if (etag === validators.etag) return { state: 'unchanged' }
  const body = createReadStream(path)
  return { state: 'open', validators: { etag }, documents: alone({ state: 'open', validators: {}, body }) }
}
