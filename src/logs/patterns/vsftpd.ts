import { definePattern, firstOf, type Groups, type Reading, readPam } from '../pattern.ts'

const read =
  (outcome: 'refused' | 'accepted') =>
  ({ address, user }: Groups): Reading => ({ service: 'ftp', outcome, address, user })

/** `Thu Nov 20 11:05:31 2026 [pid 12] [anna] FAIL LOGIN: Client "192.0.2.7"`. */
const STAMP = String.raw`^(?:\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4} )?\[pid \d+\] \[(?<user>.*)\]`

const FORMS = [
  [new RegExp(`${STAMP} FAIL LOGIN: Client "(?<address>[\\da-fA-F.:]+)"$`), read('refused')],
  [new RegExp(`${STAMP} OK LOGIN: Client "(?<address>[\\da-fA-F.:]+)"$`), read('accepted')],
] as const

export default definePattern({
  id: 'vsftpd',
  tags: /^vsftpd$/,
  hasOwnFile: true,
  read(message) {
    const pam = readPam(message)
    if (pam) return { service: 'ftp', outcome: 'refused', ...pam }
    return firstOf(FORMS, message)
  },
})
