import type { ZodType } from 'zod'
import { type Sections, settingShapes } from './schema.ts'

/** The reference of all settings as Markdown: what docs/config.md holds. */
export function configReference(sections: Sections): string {
  const parts = Object.entries(sections).map(([name, schema]) => sectionText(name, schema))
  return `${INTRODUCTION}\n${parts.join('\n')}`
}

const INTRODUCTION = `# Configuration

Settings are read from \`/etc/gatehouse/config.yaml\`; \`--config FILE\` names another file. JSON is fine too. What is
not in the file has its default, and without a file everything has. A setting may also come from the environment:
\`store.flowsDays\` from \`GATEHOUSE_STORE_FLOWS_DAYS\`; it then wins over the file.

A file with an error is not used: each error is named with its line, what was expected, and the key that was probably
meant. This page is made from the settings themselves by \`node scripts/config-docs.ts\`.
`

function sectionText(name: string, schema: ZodType): string {
  const depth = name.split('.').length
  const rows = settingShapes({ [name]: schema }).map((setting) => {
    // A section without groups, such as a list, is a setting itself.
    const key = setting.path.slice(depth).join('.') || name
    const preset = setting.default === undefined ? '' : `\`${cell(JSON.stringify(setting.default))}\``
    return `| \`${key}\` | ${cell(setting.expected)} | ${preset} | ${cell(setting.description)} |`
  })
  const isGroup = settingShapes({ [name]: schema }).some(({ path }) => path.length > depth)
  const about = isGroup && schema.description ? `${schema.description.replace(/\.$/, '')}.\n\n` : ''
  return `## ${name}\n\n${about}| Setting | Takes | Default | Meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`
}

/** Markdown would take a bar for the end of the cell. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
