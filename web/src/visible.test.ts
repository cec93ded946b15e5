import { expect, test } from 'vitest'
import { visible } from './visible.ts'

test.each([
  ['plain text — ümlaut 漢字 🙂', 'plain text — ümlaut 漢字 🙂'],
  ['\u001b[31mred', '⟨ESC⟩[31mred'],
  ['a\u0000b\nc\u007f', 'a⟨NUL⟩b⟨LF⟩c⟨U+007F⟩'],
  ['evil\u202Egpj.exe', 'evil⟨U+202E⟩gpj.exe'],
  ['zero\u200Bwidth\uFEFF', 'zero⟨U+200B⟩width⟨U+FEFF⟩'],
  ['\u2066isolate\u2069', '⟨U+2066⟩isolate⟨U+2069⟩'],
  ['tag\u{E0041}', 'tag⟨U+E0041⟩'],
  ['lone\uD800', 'lone⟨U+D800⟩'],
  ['<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
])('writes out what hides in %j', (text, shown) => {
  expect(visible(text)).toBe(shown)
})

test('cuts what is longer than a line, and says so', () => {
  expect(visible('a'.repeat(10_000))).toBe(`${'a'.repeat(300)}…`)
})
