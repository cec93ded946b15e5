import { shortened, visibleText } from '#lib/visible-text.ts'
import { RULE_DIRECTIONS } from '#model/rule.ts'
import { parseAddressSpan } from '../address-spans.ts'
import { withRule } from '../edit.ts'
import type { Imported, WrittenRule } from './foreign.ts'
import { importIptables } from './iptables.ts'
import { importNft } from './nft.ts'
import { importList } from './plain-list.ts'
import { importUfw } from './ufw.ts'
import { withLists } from './with-lists.ts'

export const IMPORT_FORMATS = ['ufw', 'nft', 'iptables-save', 'list'] as const
export type ImportFormat = (typeof IMPORT_FORMATS)[number]

/** What the text most likely is; undefined when it looks like none of them. */
export function formatOf(text: string): ImportFormat | undefined {
  if (
    /^### tuple ### |^Status: active/m.test(text) ||
    /^\[\s*\d+\] .*(ALLOW|DENY|REJECT|LIMIT) (IN|OUT)/m.test(text)
  )
    return 'ufw'
  if (/^\*(filter|nat|mangle|raw)\s*$/m.test(text)) return 'iptables-save'
  if (/^\s*table (ip|ip6|inet|arp|bridge|netdev) \S+ \{/m.test(text)) return 'nft'
  const words = text
    .split('\n')
    .slice(0, 1000)
    .map(
      (line) =>
        line
          .replace(/[#;].*$/, '')
          .trim()
          .split(/\s/)[0] ?? '',
    )
  return words.some((word) => word !== '' && parseAddressSpan(word) !== undefined) ? 'list' : undefined
}

/** `name`: of the list that a plain list becomes. */
export function readForeign(text: string, format: ImportFormat, name: string): Imported {
  switch (format) {
    case 'ufw':
      return importUfw(text)
    case 'iptables-save':
      return importIptables(text)
    case 'nft':
      return importNft(text)
    case 'list':
      return importList(text, name)
  }
}

/**
 * A rules file of what was read. A plain list is added to the rules of `current`, ahead of them; everything else is a
 * ruleset of its own.
 */
export function draftOf(imported: Imported, format: ImportFormat, current: string): string {
  if (format === 'list') return withList(imported, current)
  const { defaults, lists, rules } = imported
  const words = RULE_DIRECTIONS.flatMap((direction) =>
    defaults[direction] === undefined ? [] : [`${direction}: ${defaults[direction]}`],
  )
  return [
    `# Imported from ${format}: look at it, then gatehouse rule check, gatehouse apply --confirm 60s`,
    ...(words.length === 0 ? [] : [`defaults: { ${words.join(', ')} }`]),
    ...(Object.keys(lists).length === 0 ? [] : ['lists:', ...listLines(lists)]),
    rules.length === 0 ? 'rules: []' : 'rules:',
    ...rules.map((rule) => `  - ${flowText(rule)}`),
    '',
  ].join('\n')
}

const listLines = (lists: Imported['lists']): string[] =>
  Object.entries(lists).map(([name, entries]) => `  ${name}: ${flowText(entries)}`)

function withList({ lists, rules }: Imported, current: string): string {
  const ruled = rules.reduceRight<string>((text, rule) => withRule(text, rule, 1), current)
  return withLists(ruled, lists)
}

/** YAML on one line, as a person would write it. */
function flowText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flowText).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const parts = Object.entries(value as WrittenRule).map(([key, inner]) => `${key}: ${flowText(inner)}`)
    return `{ ${parts.join(', ')} }`
  }
  if (typeof value !== 'string') return JSON.stringify(value)
  const isPlain = /^[a-z][\w./-]*$/i.test(value) && !/^(true|false|null|yes|no|on|off)$/i.test(value)
  return isPlain || /^\d+\.\d+\.\d+\.\d+(\/\d+)?$/.test(value) ? value : JSON.stringify(value)
}

/** A line of the report, short and harmless for a terminal. */
export const shownLine = (text: string): string => shortened(visibleText(text), 160)
