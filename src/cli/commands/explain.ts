import { Option } from 'commander'
import type { Explained } from '#contract/explained.ts'
import type { ExplainRequest, RuleExplanation } from '#contract/rules.ts'
import { visibleText } from '#lib/visible-text.ts'
import { defineCommand } from '../command.ts'
import { Failure } from '../failure.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'
import { readId } from '../words.ts'

interface ExplainOptions extends CommonOptions {
  readonly direction: ExplainRequest['direction']
  readonly protocol: string
  readonly from?: string
  readonly interface?: string
  readonly user?: string
  readonly program?: string
  readonly unit?: string
  readonly container?: string
  readonly state: ExplainRequest['state']
}

export default defineCommand({
  order: 79,
  add(program, shell) {
    const explain = program
      .command('explain')
      .description(
        'what blocks and rules do with a packet, step by step; or why an alert, a flow, a decision',
      )
      .argument(
        '<peer>',
        'the other end: 203.0.113.9:443, [2001:db8::9]:443; inbound, the port is ours. Or: alert, flow, decision',
      )
      .argument('[id]', 'number of the alert, the flow or the decision')
    leaf(explain, 'explain 203.0.113.9:443')
      .addOption(
        new Option('--direction <way>', 'as this machine sees it')
          .choices(['inbound', 'outbound'])
          .default('outbound'),
      )
      .addOption(new Option('--protocol <name>', 'how').choices(['tcp', 'udp', 'icmp']).default('tcp'))
      .addOption(
        new Option('--state <state>', 'of the connection')
          .choices(['new', 'established', 'related', 'invalid', 'untracked'])
          .default('new'),
      )
      .option('--interface <name>', 'where it arrives or leaves (default: that of the default route)')
      .option('--program <path>', 'of the program that sends, or listens: /usr/bin/curl')
      .option('--unit <name>', 'of systemd that it runs in: ssh.service')
      .option('--container <name>', 'that it runs in, by name or id')
      .option('--user <uid>', 'number of the user who sends (default: 0)')
      .action(async (peer: string, id: string | undefined, options: ExplainOptions) => {
        const { core, show } = asking(shell, options)
        const list = KEPT[peer]
        if (list !== undefined) {
          const request = { of: peer, id: readId(id ?? '', list) }
          show(await core.ask<Explained>('POST', '/explain', request), explainedText)
          return
        }
        show(
          await core.ask<RuleExplanation>('POST', '/rules/explain', requestOf(peer, options)),
          explanationText,
        )
      })
  },
})

/** What is explained by its number, and who lists it. */
const KEPT: Readonly<Record<string, string>> = {
  alert: 'gatehouse alerts',
  flow: 'gatehouse connections',
  decision: 'gatehouse decisions',
}

const explainedText = ({ about, explanation, flip }: Explained): string => {
  const now = explanation ? `Now: ${explanationText(explanation)}` : ''
  return `${visibleText(about)}\n${now}${explanation?.flip === flip ? '' : `${visibleText(flip)}\n`}`
}

function requestOf(peer: string, options: ExplainOptions): Record<string, unknown> {
  const { address, port } = endpointOf(peer)
  const { direction, protocol, state, interface: named, user, program, unit, container } = options
  return {
    direction,
    protocol,
    state,
    ...(direction === 'inbound' ? { source: address } : { target: address }),
    ...(port !== undefined && { targetPort: port }),
    ...(protocol === 'icmp' && { icmpType: address.includes(':') ? 128 : 8 }),
    ...(named !== undefined && { interface: named }),
    ...(user !== undefined && { uid: Number(user) }),
    ...(program !== undefined && { program }),
    ...(unit !== undefined && { unit }),
    ...(container !== undefined && { container }),
  }
}

function endpointOf(text: string): { readonly address: string; readonly port?: number } {
  const [, bracketed, port6] = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text) ?? []
  const [, plain, port4] = /^([^:]+)(?::(\d{1,5}))?$/.exec(text) ?? []
  const address = bracketed ?? plain ?? text
  const port = port6 ?? port4
  if (Number(port ?? 0) > 65_535) throw new Failure(`${port} is no port.`, 'Use a number up to 65535.', 2)
  return port === undefined ? { address } : { address, port: Number(port) }
}

function explanationText({ sentence, spared, steps, flip }: RuleExplanation): string {
  const lines = steps.map(({ number, id, rule, outcome, conditions }) => {
    const name = number === 0 ? id : String(number)
    const why = conditions.map((condition) => `      ${condition.holds ? 'yes' : 'no '} ${condition.text}`)
    return [`  ${name}: ${rule} — ${outcome}`, ...why].join('\n')
  })
  const kept = spared === undefined ? [] : [`The allow list keeps it from being blocked: ${spared}.`]
  return [sentence, ...kept, ...(lines.length > 0 ? ['', ...lines, ''] : []), flip]
    .map((text) => `${text.split('\n').map(visibleText).join('\n')}\n`)
    .join('')
}
