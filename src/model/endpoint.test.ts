import { expect, test } from 'vitest'
import { endpointText, parseEndpoint } from './endpoint.ts'

test.each(['192.0.2.7:53', '[2001:db8::7]:65535'])('%s is read as it is written', (text) => {
  const endpoint = parseEndpoint(text)
  expect(endpoint && endpointText(endpoint)).toBe(text)
})

test.each([
  '192.0.2.7',
  '53',
  '192.0.2.7:0',
  '192.0.2.7:65536',
  '2001:db8::7:53',
  '[]:1',
  'host:80',
  '[a]:1',
])('%s is none', (text) => expect(parseEndpoint(text)).toBeUndefined())
