import type { LineFormat } from './format.ts'

const RULE = /^\|\|([^/^*|$]+)\^\|?(?:\$(.*))?$/
/** Options that do not narrow what the rule blocks. */
const WHOLE = new Set(['important', 'all', 'document', 'doc', 'popup', '3p', 'third-party'])

/**
 * Filter lists of ad blockers, of which only `||domain^` names a host. Element hiding, exceptions, paths and
 * rules for some pages alone cannot be decided from a connection: they are passed by.
 */
export const adblock: LineFormat = {
  shape: 'lines',
  open: (sink) => (line) => {
    const text = line.trim()
    if (text === '' || /^(?:!|\[)/.test(text)) return
    const [, domain, options = ''] = RULE.exec(text) ?? []
    const isWhole = options === '' || options.split(',').every((option) => WHOLE.has(option))
    if (domain === undefined || !isWhole) sink.pass()
    else sink.take({ kind: 'domain', value: domain })
  },
}
