import { expect, test } from 'vitest'
import { Assembler } from './assembler.ts'

const hex = (program: Assembler): string => Buffer.from(program.assemble()).toString('hex')

test.each<[string, Assembler, string]>([
  ['r6 = r1', new Assembler().move(6, 1), 'bf16000000000000'],
  ['r0 = -1', new Assembler().set(0, -1), 'b7000000ffffffff'],
  ['r1 = map 7', new Assembler().setMap(1, 7), '18110000070000000000000000000000'],
  ['r1 += -8', new Assembler().add(1, -8), '07010000f8ffffff'],
  ['r2 += r3', new Assembler().addRegister(2, 3), '0f32000000000000'],
  ['r2 -= r3', new Assembler().subtractRegister(2, 3), '1f32000000000000'],
  ['r1 >>>= 32', new Assembler().shiftRight(1, 32), '7701000020000000'],
  ['r1 = *(u32 *)(r6 + 24)', new Assembler().load(4, 1, 6, 24), '6161180000000000'],
  ['*(u16 *)(r10 - 2) = r1', new Assembler().store(2, 10, -2, 1), '6b1afeff00000000'],
  ['*(u8 *)(r10 - 1) = 5', new Assembler().storeNumber(1, 10, -1, 5), '720affff05000000'],
  ['lock *(u64 *)(r0) += r1', new Assembler().addAtomically(0, 0, 1), 'db10000000000000'],
  ['call 14; exit', new Assembler().call(14).exit(), '850000000e0000009500000000000000'],
])('%s', (_text, program, bytes) => {
  expect(hex(program)).toBe(bytes)
})

test('jumps count the instructions after them, forward and back', () => {
  const program = new Assembler().label('top').jumpIf(1, '==', 0, 'end').setMap(2, 3)
  program.jumpIfRegister(1, '>', 2, 'top').label('end').exit()
  expect(hex(program)).toBe(
    ['1501030000000000', '18120000030000000000000000000000', '2d21fcff00000000', '9500000000000000'].join(''),
  )
})

test('mistakes are found before the kernel sees them', () => {
  expect(() => new Assembler().jump('nowhere').assemble()).toThrow('label nowhere is nowhere')
  expect(() => new Assembler().label('a').label('a')).toThrow('label a is there twice')
  expect(() => new Assembler().set(0, 2 ** 32)).toThrow('number 4294967296 does not fit')
  expect(() => new Assembler().load(8, 0, 1, 40_000)).toThrow('offset 40000 does not fit')
  const far = new Assembler().jump('end')
  for (let at = 0; at < 0x8000; at++) far.exit()
  expect(() => far.label('end').assemble()).toThrow('jump to end 32768 does not fit')
})
