// What of a segment's bytes can be kept after a crash, and whether the rest was torn or damaged.

/// The frames at the beginning of a segment that are whole, and what stands behind them.
package struct SegmentScan: Hashable, Sendable {
    package enum Ending: Hashable, Sendable {
        /// The last frame ends where the bytes end.
        case clean
        /// No later frame says that what stands at `end` was ever durable: a write that a crash cut short, which may be cut off.
        case torn(FrameDefect)
        /// The frame at the offset `witness` was written when the bad one at `end` was durable. Cutting here would lose what was promised.
        case damaged(FrameDefect, witness: Int)
    }

    package private(set) var header: SegmentHeader
    /// The sequence of the last whole frame; one below the header's where there is none.
    package private(set) var last: UInt64
    /// Where the whole frames end.
    package private(set) var end: Int
    /// Where the last write begins: what stands before it was durable when it was written, and of it nobody can say.
    package private(set) var proven: Int
    package private(set) var ending: Ending
    /// Whole frames behind `end`, which cutting there loses though nobody was promised them.
    package private(set) var stranded: Int

    /// `visit` is shown each whole frame in its order, and where it begins.
    package init(_ bytes: UnsafeRawBufferPointer, visit: (FrameView, Int) -> Void = { _, _ in }) throws(SegmentHeader.Defect) {
        header = try SegmentHeader.read(bytes)
        last = header.first - 1
        end = SegmentHeader.bytes
        proven = end
        ending = .clean
        stranded = 0
        while true {
            switch LogFrame.read(bytes, at: end, due: last &+ 1) {
            case .frame(let frame):
                visit(frame, end)
                if frame.place == 1 { proven = end }
                last = frame.sequence
                end = frame.end
            case .end: return
            case .defect(let defect):
                judge(defect, bytes)
                return
            }
        }
    }

    package init(_ bytes: [UInt8], visit: (FrameView, Int) -> Void = { _, _ in }) throws(SegmentHeader.Defect) {
        self = try bytes.withUnsafeBytes { raw -> Result<SegmentScan, SegmentHeader.Defect> in
            do throws(SegmentHeader.Defect) { return .success(try SegmentScan(raw, visit: visit)) } catch { return .failure(error) }
        }.get()
    }

    /// Looks for a later frame at every byte: after a bad length nothing tells where the next one begins.
    private mutating func judge(_ defect: FrameDefect, _ bytes: UnsafeRawBufferPointer) {
        ending = .torn(defect)
        var offset = end
        while offset < bytes.count {
            guard case .frame(let frame) = LogFrame.read(bytes, at: offset, due: nil) else {
                offset += 1
                continue
            }
            guard frame.durableBefore <= last else {
                ending = .damaged(defect, witness: offset)
                return
            }
            stranded += 1
            offset = frame.end
        }
    }
}
