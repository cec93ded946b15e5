import { definePattern, firstOf, type Groups, type Reading } from '../pattern.ts'

const FORMS = [
  // The name before the address comes from DNS: letters, digits, dots and dashes, or `unknown`.
  [
    /^warning: [\w.-]+\[(?<address>[\da-fA-F.:]+)\]: SASL [\w-]+ authentication failed: (?!Connection lost|Temporary|Invalid authentication mechanism)/,
    ({ address }: Groups): Reading => ({ service: 'smtp', outcome: 'refused', address }),
  ],
] as const

export default definePattern({
  id: 'postfix',
  tags: /^postfix(?:-[\w-]+)?(?:\/[\w-]+)*\/smtpd$/,
  read: (message) => firstOf(FORMS, message),
})
