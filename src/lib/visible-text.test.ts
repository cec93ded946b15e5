import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shortened, visibleJson, visibleText } from './visible-text.ts'

test.each([
  ['\u001b[31mred\u001b[0m', '\\u{1b}[31mred\\u{1b}[0m'],
  ['a\u202egpj.exe', 'a\\u{202e}gpj.exe'],
  ['two\nlines\r', 'two\\u{a}lines\\u{d}'],
  ['\u009b2J', '\\u{9b}2J'],
  ['zero\u200bwidth', 'zero\\u{200b}width'],
  ['flag\u{e0067}', 'flag\\u{e0067}'],
  ['lone\ud800', 'lone\\u{d800}'],
])('makes %j visible', (hostile, shown) => {
  expect(visibleText(hostile)).toBe(shown)
})

test('leaves what people write alone', () => {
  const ordinary = 'zwölf Boxkämpfer, 日本語, العربية, 🙂 /usr/bin/curl --url "x"'
  expect(visibleText(ordinary)).toBe(ordinary)
})

test('nothing that a terminal acts on survives', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(visibleText(text)).not.toMatch(/[\p{Control}\p{Bidi_Control}]/u)
    }),
  )
})

test('shortens to the columns there are', () => {
  expect(shortened('gatehouse', 9)).toBe('gatehouse')
  expect(shortened('gatehouse', 5)).toBe('gate…')
  expect(shortened('🙂🙂🙂', 2)).toBe('🙂…')
  expect(shortened('x', 0)).toBe('')
})

test('visible JSON hides nothing and means the same', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const json = visibleJson({ text })
      expect(json).not.toMatch(/[\p{Control}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/u)
      expect(JSON.parse(json)).toEqual({ text })
    }),
  )
  expect(visibleJson(['a\u202e', '\u{e0067}'], 1)).toBe('[\n "a\\u202e",\n "\\udb40\\udc67"\n]')
})
