import { describe, expect, test } from 'vitest'
import type { ProgramQuestion } from '#model/program-question.ts'
import type { ClassSet } from '#model/rule-program.ts'
import { ClassBook } from './program-classes-book.ts'

const CURL: ProgramQuestion = { kind: 'program', values: ['/usr/bin/curl'] }
const HASH: ProgramQuestion = { kind: 'sha256', values: ['ab'] }
const SSH: ProgramQuestion = { kind: 'unit', values: ['ssh.service'] }
const MASK = 0xff000000

const setOf = (question: ProgramQuestion, isTrue = true): ClassSet => ({
  name: 'programs1',
  question,
  isTrue,
})
const numbers = (marks: readonly number[]): number[] => marks.map((mark) => mark >>> 24)

describe('classes', () => {
  test('programs that give the same answers are one', () => {
    const book = new ClassBook({ questions: [CURL], mask: MASK, half: 0 })
    const curl = book.kindOf({ paths: ['/usr/bin/curl'] })
    const others = ['/bin/a', '/bin/b'].map((path) => book.kindOf({ paths: [path] }))
    expect(new Set(others).size).toBe(1)
    expect(numbers(book.marksOf(setOf(CURL)))).toEqual([book.markOf(0n, curl) >>> 24])
    expect(book.marksOf(setOf(CURL, false))).toEqual([book.markOf(0n, others[0] as number)])
  })

  test('of what nobody knows there is none: neither the question nor its opposite holds', () => {
    const book = new ClassBook({ questions: [CURL], mask: MASK, half: 0 })
    expect(book.kindOf({})).toBe(0)
    expect(book.markOf(0n, 0)).toBe(0)
    expect(book.classes).toEqual([])
  })

  test('what is known of a program counts before all is', () => {
    const book = new ClassBook({ questions: [CURL, HASH], mask: MASK, half: 0 })
    const mark = book.markOf(0n, book.kindOf({ paths: ['/usr/bin/curl'] }))
    expect(book.marksOf(setOf(CURL))).toEqual([mark])
    expect(book.marksOf(setOf(HASH))).toEqual([])
    expect(book.marksOf(setOf(HASH, false))).toEqual([])
  })

  test('where a program runs is known also of one that nobody has seen', () => {
    const book = new ClassBook({ questions: [CURL, SSH], mask: MASK, half: 0 })
    const bits = book.bitsOf({ units: ['ssh.service'] })
    expect(book.marksOf(setOf(SSH))).toEqual([book.markOf(bits, 0)])
    const inUnit = book.markOf(bits, book.kindOf({ paths: ['/usr/bin/curl'] }))
    expect(book.marksOf(setOf(SSH))).toContain(inUnit)
    expect(book.marksOf(setOf(CURL))).toContain(inUnit)
  })

  test('a unit that several questions name has a class before anybody runs in it', () => {
    const both: ProgramQuestion = { kind: 'unit', values: ['ssh.service', 'cron.service'] }
    const book = new ClassBook({ questions: [SSH, both], mask: MASK, half: 0 })
    const mark = book.markOf(book.bitsOf({ units: ['ssh.service'] }), 0)
    expect(mark).not.toBe(0)
    expect(book.marksOf(setOf(SSH))).toContain(mark)
    expect(book.marksOf(setOf(both))).toContain(mark)
  })

  test('two books that follow each other share no number', () => {
    const marks = ([0, 1] as const).map((half) => {
      const book = new ClassBook({ questions: [CURL], mask: MASK, half })
      book.kindOf({ paths: ['/x'] })
      return book.classes.map(({ mark }) => mark)
    })
    expect(numbers(marks.flat())).toEqual([1, 128])
  })

  test('the mask bounds them, and what is beyond is of no class', () => {
    const questions = Array.from(
      { length: 4 },
      (_, at): ProgramQuestion => ({ kind: 'program', values: [`/${at}`] }),
    )
    const book = new ClassBook({ questions, mask: 0x00070000, half: 1 })
    const kinds = questions.map(({ values }) => book.kindOf({ paths: values }))
    expect(book.isFull).toBe(false)
    const beyond = book.kindOf({ paths: ['/other'] })
    expect(kinds.map((kind) => book.markOf(0n, kind) >>> 16)).toEqual([4, 5, 6, 7])
    expect(book.markOf(0n, beyond)).toBe(0)
    expect(book.isFull).toBe(true)
  })
})
