import { openNflog } from '#kernel/nflog.ts'

/** Listens to an NFLOG group, as ulogd would. Argument: the group. */
openNflog({ group: Number(process.argv[2]), snapBytes: 64, onPacket: () => {}, onLost: () => {} })
process.stdout.write('listening\n')
