import { definePattern, type Reading } from '../pattern.ts'

/**
 * The formats `common` and `combined`. nginx writes `"` and what is not printable as `\x..`, so the first quote begins
 * the request, and the time before it is nginx's own.
 */
const ACCESS =
  /^(?<address>[\da-fA-F.:]+) - (?<user>[^"]*) \[\d\d\/\w{3}\/\d{4}:[\d:]+ [+-]\d{4}\] "(?<request>[^"]*)" (?<status>\d{3}) /

/**
 * The user's name is written as it came, and so may hold the rest of a line; so may the request behind. The line is
 * read only when it holds each mark once.
 */
const ERROR =
  /^\d{4}\/\d\d\/\d\d [\d:]+ \[error\] [\d#]+: \*\d+ user "(?<user>[^"]*)"(?:: password mismatch| was not found in "[^"]*"), client: (?<address>[\da-fA-F.:]+), server: /

function readAccess(line: string): Reading | undefined {
  const groups = ACCESS.exec(line)?.groups
  if (!groups) return undefined
  const { address, user, status } = groups
  // 401 without a name is how a browser learns that it has to ask for one.
  if (status === '401' && user !== '-') return { service: 'http', outcome: 'refused', address, user }
  return status === '404' ? { service: 'http', outcome: 'probed', address } : undefined
}

function readError(line: string): Reading | undefined {
  if (line.split('client: ').length !== 2) return undefined
  const groups = ERROR.exec(line)?.groups
  return groups && { service: 'http', outcome: 'refused', address: groups['address'], user: groups['user'] }
}

export default definePattern({
  id: 'nginx',
  hasOwnFile: true,
  read: (line) => readAccess(line) ?? readError(line),
})
