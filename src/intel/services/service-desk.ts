import type { IncomingMessage } from 'node:http'
import type { IndicatorKind } from '#model/indicator.ts'
import { isFields, Unusable } from '../formats/format.ts'
import { parsed } from '../formats/json-items.ts'
import { isPublic, readTargetWords } from '../indicators/target-words.ts'
import { readKeyFile } from '../key-file.ts'
import { guardedGet } from '../update/guarded-request.ts'
import { type AbuseOrder, REPORT_QUOTAS, REPORTED_TO, ReportRefusal, reportAbuse } from './abuse-report.ts'
import type { Answer, Answers, Question } from './answers.ts'
import type { Service } from './service.ts'

export type ServiceState =
  | { readonly state: 'ok' }
  | { readonly state: 'paused' | 'offline' | 'no key' | 'bad key'; readonly reason: string }

export interface ServiceChoice {
  readonly service: Service
  /** Another server that speaks the same protocol; it may be in the own network. */
  readonly url?: string | undefined
  readonly key?: string | undefined
  readonly keyFile?: string | undefined
  /** May be asked without a person. */
  readonly auto?: boolean
}

export interface ServiceDeskParts {
  readonly choices: readonly ServiceChoice[]
  readonly answers: Answers
  readonly now: () => number
  readonly proxy?: URL | undefined
  /** Told of each answer, also when the service knows nothing. */
  readonly answered?: (question: Question) => void
  /** Puts a request on record; nothing is sent before. */
  readonly record: (request: {
    readonly to: string
    readonly what: string
    readonly why: string
  }) => Promise<void>
}

const ANSWER_WITHIN_MS = 20_000
const MOST_BYTES = 1_048_576
const OFFLINE_MS = 60_000
const PAUSE_MS = 60_000
const LONGEST_PAUSE_MS = 86_400_000
/** What nobody knows today may be known soon. */
const UNKNOWN_HOURS = 24

/** Asks the services that a person switched on, within their quotas, the most important questions first. */
export class ServiceDesk {
  readonly #parts: ServiceDeskParts
  readonly #states = new Map<string, ServiceState>()
  /** The key that was refused: another one may be tried. */
  readonly #refusedKeys = new Map<string, string>()
  readonly #running = new Map<string, Promise<void>>()

  constructor(parts: ServiceDeskParts) {
    this.#parts = parts
  }

  stateOf(service: string): ServiceState {
    return this.#states.get(service) ?? { state: 'ok' }
  }

  /** Why services that may know of such things cannot be asked now, in words. */
  troubles(kind: IndicatorKind): string[] {
    return this.#for(kind).flatMap(({ service }) => {
      const state = this.stateOf(service.id)
      return state.state === 'ok' ? [] : [`${service.title}: ${state.reason}`]
    })
  }

  /** What is known of it already. */
  known(kind: IndicatorKind, value: string): { readonly service: Service; readonly answer: Answer }[] {
    const { answers, now } = this.#parts
    return this.#for(kind).flatMap(({ service }) => {
      const answer = answers.of({ service: service.id, kind, value }, now())
      return answer ? [{ service, answer }] : []
    })
  }

  /** Whether any service may be asked about such things without a person. */
  asksOfItself(kind: IndicatorKind): boolean {
    return this.#for(kind).some(({ auto }) => auto)
  }

  /** Lets every service that may know wait for its turn, unless its answer still holds. `isByHand`: a person wants it. */
  ask(
    kind: IndicatorKind,
    value: string,
    { priority, isByHand }: { readonly priority: number; readonly isByHand: boolean },
  ): void {
    const { answers, now } = this.#parts
    for (const { service, auto } of this.#for(kind)) {
      if (!isByHand && !auto) continue
      const question: Question = { service: service.id, kind, value, priority }
      if (answers.of(question, now()) === undefined) answers.queue(question, now())
    }
  }

  /** Asks as much as the quotas allow now. Settles when nothing more may be asked. */
  async run(): Promise<void> {
    await Promise.all(this.#parts.choices.map((choice) => this.#runService(choice)))
  }

  /** Reports an address to AbuseIPDB, at once. Throws `ReportRefusal` with the reason; nothing is tried again. */
  async report(order: AbuseOrder): Promise<void> {
    const { answers, now, proxy } = this.#parts
    const choice = this.#parts.choices.find(({ service }) => service.id === REPORTED_TO)
    if (!choice) throw new ReportRefusal('AbuseIPDB is off.')
    const key = this.#keyOf(choice)
    if (key === undefined)
      throw new ReportRefusal(`AbuseIPDB has no key: ${reasonOf(this.stateOf(REPORTED_TO))}`)
    if (!answers.take(`${REPORTED_TO} report`, REPORT_QUOTAS, now()))
      throw new ReportRefusal('The quota of AbuseIPDB is spent for today.')
    await reportAbuse(order, { url: choice.url, key, proxy, record: this.#parts.record })
  }

  #for(kind: IndicatorKind): ServiceChoice[] {
    return this.#parts.choices.filter(({ service }) => service.kinds.includes(kind))
  }

  #runService(choice: ServiceChoice): Promise<void> {
    const { id } = choice.service
    const begin = (): Promise<void> =>
      this.#askAll(choice)
        // The disk of the answers refuses, or Gatehouse stops: the question waits in its row.
        .catch((error: Error) => void this.#states.set(id, { state: 'offline', reason: `${error.message}.` }))
        .finally(() => this.#running.delete(id))
    const running = this.#running.get(id) ?? begin()
    this.#running.set(id, running)
    return running
  }

  async #askAll(choice: ServiceChoice): Promise<void> {
    const { answers, now } = this.#parts
    const { service } = choice
    while (answers.pausedUntil(service.id) <= now()) {
      const question = answers.next(service.id)
      if (!question) return
      const key = this.#keyOf(choice)
      if (key === undefined || !answers.take(service.id, service.quotas, now())) return
      if (!(await this.#askOne(choice, question, key))) return
    }
  }

  /** Undefined when there is none, or only one that was refused. */
  #keyOf({ service, key, keyFile }: ServiceChoice): string | undefined {
    if (!service.needsKey) return ''
    try {
      const found = key ?? (keyFile === undefined ? undefined : readKeyFile(keyFile))
      if (found === undefined) throw new Error('neither key nor keyFile is set')
      return found === this.#refusedKeys.get(service.id) ? undefined : found
    } catch (error) {
      this.#states.set(service.id, { state: 'no key', reason: (error as Error).message })
      return undefined
    }
  }

  /** False when nothing more should be asked now. */
  async #askOne(choice: ServiceChoice, question: Question, key: string): Promise<boolean> {
    const { id } = choice.service
    try {
      const response = await this.#send(choice, question, key)
      return await this.#take(choice, question, { response, key })
    } catch (error) {
      if (!(error instanceof Unusable)) throw error
      return this.#wait(id, OFFLINE_MS, { state: 'offline', reason: `It ${error.message}.` })
    }
  }

  async #send(
    { service, url: other }: ServiceChoice,
    { kind, value }: Question,
    key: string,
  ): Promise<IncomingMessage> {
    const url = new URL(service.pathOf(kind, value), other ?? service.origin)
    const what = `asked about ${value}`
    return guardedGet({
      url,
      headers: { 'user-agent': 'gatehouse', accept: 'application/json', ...service.headersOf(key) },
      mayBePrivate: other !== undefined,
      proxy: this.#parts.proxy,
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      beforeHop: (hop) =>
        this.#parts.record({ to: hop.url.host, what, why: `service ${service.id}` }).catch(() => {
          throw new Unusable('could not be put on record')
        }),
    })
  }

  /** What a service said, as its status has it. */
  async #take(
    { service }: ServiceChoice,
    question: Question,
    { response, key }: { readonly response: IncomingMessage; readonly key: string },
  ): Promise<boolean> {
    const { answers, now } = this.#parts
    const status = response.statusCode ?? 0
    if (status === 401 || status === 403) {
      response.destroy()
      this.#refusedKeys.set(service.id, key)
      this.#states.set(service.id, {
        state: 'bad key',
        reason: `${service.title} refuses the key (status ${status}).`,
      })
      return false
    }
    if (status === 429 || status >= 500) {
      response.destroy()
      const seconds = Number(/^\d{1,7}$/.exec(response.headers['retry-after'] ?? '')?.[0] ?? PAUSE_MS / 1000)
      const reason = `${service.title} asks to be left alone (status ${status}).`
      return this.#wait(service.id, Math.min(LONGEST_PAUSE_MS, seconds * 1000), { state: 'paused', reason })
    }
    const opinion = status === 200 ? service.read(await bodyOf(response)) : undefined
    response.destroy()
    const hours = opinion ? service.keepHours : UNKNOWN_HOURS
    answers.keep(question, { at: now(), ...(opinion && { opinion }) }, now() + hours * 3_600_000)
    this.#states.set(service.id, { state: 'ok' })
    this.#parts.answered?.(question)
    return true
  }

  #wait(id: string, ms: number, state: ServiceState): false {
    this.#parts.answers.pause(id, this.#parts.now() + ms)
    this.#states.set(id, state)
    return false
  }
}

const reasonOf = (state: ServiceState): string => ('reason' in state ? state.reason : 'it was refused')

/** True for what may be asked about: own addresses and whole ranges are nobody else's business. */
export function isAskable(kind: IndicatorKind, value: string): boolean {
  if (kind !== 'target') return kind !== 'url' && kind !== 'ja3' && kind !== 'ja4'
  const words = new Uint32Array(4)
  const read = readTargetWords(value, words)
  return read !== undefined && read.bits === (read.isIpv6 ? 128 : 32) && isPublic(words, read)
}

/** Throws `Unusable` for what is no JSON object, or too long. */
async function bodyOf(response: IncomingMessage): Promise<Record<string, unknown>> {
  const pieces: Buffer[] = []
  let bytes = 0
  try {
    for await (const piece of response) {
      bytes += (piece as Buffer).length
      if (bytes > MOST_BYTES) throw new Unusable('sent too much')
      pieces.push(piece as Buffer)
    }
  } catch (error) {
    throw error instanceof Unusable ? error : new Unusable('stopped in the middle of its answer')
  }
  const body = parsed(Buffer.concat(pieces).toString('utf8'))
  if (!isFields(body)) throw new Unusable('sent no answer that can be read')
  return body
}
