/** Builds DNS messages by hand; names are written out, without pointers, unless raw bytes are given. */

export interface DnsAnswerRecord {
  readonly name: string
  /** A: four numbers with dots. AAAA: 16 bytes as hex. CNAME: a name. */
  readonly type: 'A' | 'AAAA' | 'CNAME'
  readonly data: string
  readonly ttl?: number
}

export interface DnsParts {
  readonly id?: number
  /** QR and the rest of the flags: 0x8180 is an ordinary answer, 0x0100 a question. */
  readonly flags?: number
  readonly question?: string
  readonly answers?: readonly DnsAnswerRecord[]
}

const TYPES = { A: 1, CNAME: 5, AAAA: 28 } as const

const word = (value: number): number[] => [(value >>> 8) & 255, value & 255]

export const nameBytes = (name: string): number[] => [
  ...name.split('.').flatMap((label) => [Buffer.byteLength(label), ...Buffer.from(label)]),
  0,
]

function dataBytes({ type, data }: DnsAnswerRecord): number[] {
  if (type === 'A') return data.split('.').map(Number)
  return type === 'AAAA' ? [...Buffer.from(data, 'hex')] : nameBytes(data)
}

export function dnsMessage(parts: DnsParts): Uint8Array {
  const { id = 7, flags = 0x8180, question, answers = [] } = parts
  const records = answers.flatMap((answer) => {
    const data = dataBytes(answer)
    const ttl = answer.ttl ?? 60
    return [
      ...nameBytes(answer.name),
      ...word(TYPES[answer.type]),
      ...word(1),
      ...word(ttl >>> 16),
      ...word(ttl),
      ...word(data.length),
      ...data,
    ]
  })
  const asked = question === undefined ? [] : [...nameBytes(question), 0, 1, 0, 1]
  const counts = [...word(question === undefined ? 0 : 1), ...word(answers.length), 0, 0, 0, 0]
  return Uint8Array.from([...word(id), ...word(flags), ...counts, ...asked, ...records])
}
