import type { Indicator, IndicatorKind } from '#model/indicator.ts'
import type { LineFormat } from './format.ts'

const KINDS: readonly IndicatorKind[] = ['target', 'domain', 'url', 'sha256', 'sha1', 'md5', 'ja3', 'ja4']
const SEPARATORS = /[\t\r\n]/g

/** The line in which an adopted entry is kept: kind, value, since and until in seconds, confidence, reason. */
export function keptLine(
  { kind, value, until, confidence, reason }: Indicator,
  sinceSeconds: number,
): string {
  const end = until === undefined ? '' : Math.max(1, Math.trunc(until / 1000))
  const why = reason === undefined ? '' : reason.slice(0, 200).replace(SEPARATORS, ' ')
  const tail =
    until === undefined && confidence === undefined && why === ''
      ? ''
      : `\t${end}\t${confidence ?? ''}\t${why}`
  return `${KINDS.indexOf(kind)}\t${value.replace(SEPARATORS, '')}\t${sinceSeconds}${tail}\n`
}

/** Adopted lists as Gatehouse keeps them, whatever their format was. */
export const kept: LineFormat = {
  shape: 'lines',
  open: (sink) => (line) => {
    const tab = line.indexOf('\t')
    const kind = KINDS[Number(line.slice(0, tab))]
    const end = line.indexOf('\t', tab + 1)
    if (tab !== 1 || kind === undefined || end < 0) return sink.misfit()
    const value = line.slice(2, end)
    const next = line.indexOf('\t', end + 1)
    if (next < 0) return sink.take({ kind, value, since: Number(line.slice(end + 1)) * 1000 })
    const [until = '', confidence = '', reason = ''] = line.slice(next + 1).split('\t')
    sink.take({
      kind,
      value,
      since: Number(line.slice(end + 1, next)) * 1000,
      ...(until !== '' && { until: Number(until) * 1000 }),
      ...(confidence !== '' && { confidence: Number(confidence) }),
      ...(reason !== '' && { reason }),
    })
  },
}
