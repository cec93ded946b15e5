/** Link types that the decoder knows, by their number in pcap files (tcpdump.org/linktypes). */
export const LINK_TYPE = {
  null: 0,
  ethernet: 1,
  raw: 101,
  loop: 108,
  linuxSll: 113,
  ipv4: 228,
  ipv6: 229,
  linuxSll2: 276,
} as const

/** Link type 12 and 14 are `raw` as some systems write it (DLT_RAW). */
export const isKnownLinkType = (linkType: number): boolean =>
  linkType === 12 || linkType === 14 || (Object.values(LINK_TYPE) as number[]).includes(linkType)

/** Where a source delivers. Hot: called per packet; `view` is valid only during the call. */
export interface FrameSink {
  /** These frames come next: a hint, so that memory can be fetched for all of them at once. */
  ahead?(view: DataView, frames: FramesAhead, linkType: number): void
  /**
   * @param at milliseconds since the epoch
   * @param offset first byte of the link header within `view`
   * @param captured bytes present from `offset`; @param length bytes on the wire
   * @param vlan outer VLAN id that the card took out of the frame, 0 for none
   * @param interfaceIndex index into the source's `interfaces`
   */
  frame(
    view: DataView,
    offset: number,
    captured: number,
    length: number,
    at: number,
    linkType: number,
    interfaceIndex: number,
    vlan: number,
  ): void
}

/** Frames that a source has at hand: the first `count` places hold where each begins, and how many bytes of it there are. */
export interface FramesAhead {
  readonly offsets: Int32Array
  readonly captured: Int32Array
  count: number
}

/** As many as are worth telling of at once. */
export const MOST_FRAMES_AHEAD = 32

export const createFramesAhead = (): FramesAhead => ({
  offsets: new Int32Array(MOST_FRAMES_AHEAD),
  captured: new Int32Array(MOST_FRAMES_AHEAD),
  count: 0,
})

/** An interface as its source names it. */
export interface CapturedInterface {
  readonly name: string
  readonly linkType: number
}

/** What a source did not deliver. Counts since the start. */
export interface SourceCounts {
  readonly received: number
  /** Lost because we were too slow. */
  readonly dropped: number
}
