import type { Ip } from '#model/address.ts'
import type { Severity } from '#model/finding.ts'
import type { ReportedFinding, WatchContext } from './detector.ts'
import { duration } from './evidence.ts'
import type { Surge } from './surge.ts'

/** From this share of all packets on a source is named. */
const NAMED_SHARE = 0.1
/** And from this share of the limit: a client that was there anyway is not. */
const NAMED_OF_LIMIT = 0.25
/** More sources than this with hardly more than a packet each: forged, or as good as. */
const FORGED_SOURCES = 50
const FORGED_PACKETS_EACH = 4
const MANY_REFLECTORS = 10
/** So few flows may be a stream: a camera, a backup. */
const STREAM_FLOWS = 10
const STREAM_FACTOR = 10

export interface SurgeStory {
  readonly at: number
  readonly endedAt: number | undefined
  readonly detector: string
  readonly kind: string
  /** What came, in the plural. */
  readonly noun: string
  readonly setting: string
  readonly threshold: number
  /** The senders are servers that were made to answer: strangers too. */
  readonly isReflected?: boolean
}

/** Tells of an attack: one finding for each source that stands out, or one about the victim where none does. */
export function reportSurge(context: WatchContext, surge: Surge, row: number, story: SurgeStory): void {
  const { packets } = surge.volume(row)
  const least = Math.max(packets * NAMED_SHARE, story.threshold * NAMED_OF_LIMIT)
  const named = story.isReflected ? [] : surge.sources.busiest(row, least)
  for (const { member, count } of named) {
    context.report(sourceFinding(context, surge, row, { ...story, source: member, count }))
  }
  if (named.length === 0) context.report(victimFinding(context, surge, row, story))
}

function sourceFinding(
  context: WatchContext,
  surge: Surge,
  row: number,
  story: SurgeStory & { readonly source: number; readonly count: number },
): ReportedFinding {
  const subject = context.hosts.address(story.source)
  const common = commonOf(context, surge, row, story)
  const { victim, rate } = common
  return {
    ...common.finding,
    severity: severityOf(surge, row, story),
    confidence: 0.9,
    subject,
    summary: story.endedAt
      ? `${subject} stopped flooding ${victim}: ${story.count} ${story.noun}`
      : `${subject} floods ${victim} with ${rate} ${story.noun} a second`,
    key: `${story.detector} ${story.kind} ${victim} ${subject}`,
    spoofable: true,
  }
}

function victimFinding(context: WatchContext, surge: Surge, row: number, story: SurgeStory): ReportedFinding {
  const common = commonOf(context, surge, row, story)
  const { victim, rate } = common
  const { packets } = surge.volume(row)
  const sources = surge.sources.distinct(row)
  const isForged = sources >= FORGED_SOURCES && packets / Math.max(1, sources) <= FORGED_PACKETS_EACH
  const who = `${sources} ${story.isReflected ? 'reflectors' : isForged ? 'forged sources' : 'sources'}`
  const span = duration((story.endedAt ?? story.at) - (surge.beganAt[row] as number))
  return {
    ...common.finding,
    severity: 'high',
    confidence: isForged || (story.isReflected && sources >= MANY_REFLECTORS) ? 0.9 : 0.7,
    subject: victim,
    blame: 'nobody',
    summary: story.endedAt
      ? `A flood of ${victim} from ${who} is over after ${span}: ${packets} ${story.noun}`
      : `${victim} is flooded from ${who} with ${rate} ${story.noun} a second`,
    key: `${story.detector} ${story.kind} ${victim}`,
    spoofable: true,
  }
}

type Common = Pick<ReportedFinding, 'kind' | 'at' | 'victim' | 'because' | 'evidence'>

function commonOf(
  { hosts }: WatchContext,
  surge: Surge,
  row: number,
  story: SurgeStory,
): { readonly finding: Common; readonly victim: Ip; readonly rate: number } {
  const victim = hosts.address(surge.rows.first(row))
  const { packets, bytes } = surge.volume(row)
  const firstAt = surge.beganAt[row] as number
  const seconds = Math.max(1, ((story.endedAt ?? story.at) - firstAt) / 1000)
  const rate = Math.round(packets / seconds)
  const ports = surge.ports.busiest(row, packets * NAMED_SHARE).map(({ member }) => member)
  const sources = surge.sources.busiest(row, packets * NAMED_SHARE).map(({ member }) => hosts.address(member))
  return {
    victim,
    rate,
    finding: {
      kind: story.kind,
      at: story.at,
      victim,
      because: `detectors.${story.detector}.${story.setting} = ${story.threshold}`,
      evidence: {
        firstAt,
        lastAt: Math.max(firstAt, story.endedAt ?? story.at),
        count: packets,
        ratePerSecond: rate,
        ...(ports.length > 0 && { ports }),
        ...(sources.length > 0 && { hosts: sources }),
        peakPerSecond: Math.max(rate, Math.round(surge.peak[row] as number)),
        packets,
        bytes,
        sources: Math.max(1, surge.sources.distinct(row)),
        ...(story.endedAt !== undefined && { endedAt: story.endedAt }),
        samples: surge.sampleOf(row),
      },
    },
  }
}

/**
 * One long flow may be a camera, and a program that tries a closed port again and again is only stubborn: it leaves
 * that to the system's own TCP, while who floods makes his SYNs himself.
 */
function severityOf(surge: Surge, row: number, story: SurgeStory): Severity {
  const { packets, flows, refusals, forged } = surge.volume(row)
  const isStubborn = refusals * 2 > packets && forged * 2 <= packets
  const isStream = flows < STREAM_FLOWS && packets > STREAM_FLOWS
  const isHuge = (surge.peak[row] as number) > story.threshold * STREAM_FACTOR
  return (isStubborn || isStream) && !isHuge ? 'medium' : 'high'
}
