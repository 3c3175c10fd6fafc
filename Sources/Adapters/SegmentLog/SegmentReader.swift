// Reads durable entries back, each checked once more.
internal import Decisions
internal import Ports

/// One look at the log, as its segments were when it began.
struct SegmentReader {
    let disk: any LogDisk
    let map: SegmentMap

    private static let chunkBytes = 256 * 1024
    private static let mostFrameBytes = LogFrame.headerBytes + LogFrame.mostPayloadBytes

    func read(after sequence: UInt64, limit bytes: Int) throws(DecisionLogError) -> [DecisionLogEntry] {
        guard sequence < map.durable else { return [] }
        let wanted = sequence + 1
        guard wanted >= map.oldest else {
            throw DecisionLogError(.gone, "the entry \(wanted) was acknowledged and removed; the oldest is \(map.oldest)")
        }
        var found = Found(wanted: wanted, room: bytes)
        for segment in map.segments(from: wanted) where !found.isFull { try read(segment, into: &found) }
        return found.entries
    }

    private struct Found {
        var wanted: UInt64
        var room: Int
        var entries: [DecisionLogEntry] = []
        var isFull = false

        mutating func take(_ frame: FrameView, _ bytes: UnsafeRawBufferPointer) {
            guard frame.sequence >= wanted else { return }
            guard entries.isEmpty || frame.payload.count <= room else {
                isFull = true
                return
            }
            room -= frame.payload.count
            entries.append(DecisionLogEntry(sequence: frame.sequence, kind: frame.kind, payload: Array(bytes[frame.payload])))
        }
    }

    private func read(_ segment: SegmentEntry, into found: inout Found) throws(DecisionLogError) {
        let name = SegmentName.text(of: segment.first)
        let file = try attempt { () throws(DiskFailure) in try disk.open(name, .existing) }
        var place = segment.start(for: found.wanted)
        var size = Self.chunkBytes
        while place.offset < segment.bytes, !found.isFull {
            let begin = place.offset
            let chunk = try attempt { () throws(DiskFailure) in try file.read(at: begin, count: min(size, segment.bytes - begin)) }
            let defect = read(chunk, &place, into: &found)
            if place.offset > begin {
                size = Self.chunkBytes
            } else if defect == .truncated, size < Self.mostFrameBytes, begin + chunk.count < segment.bytes {
                size = Self.mostFrameBytes
            } else if !found.isFull {
                throw damage(name, begin, defect ?? .truncated)
            }
        }
        guard found.isFull || place.sequence == segment.last + 1 else {
            throw damage(name, place.offset, .impossibleSequence(place.sequence))
        }
    }

    /// Goes on to the last whole frame of the chunk; what stands behind it is the answer.
    private func read(_ chunk: [UInt8], _ place: inout SegmentEntry.Mark, into found: inout Found) -> FrameDefect? {
        chunk.withUnsafeBytes { bytes in
            var offset = 0
            while !found.isFull {
                switch LogFrame.read(bytes, at: offset, due: place.sequence) {
                case .frame(let frame):
                    found.take(frame, bytes)
                    place.sequence += 1
                    place.offset += frame.end - offset
                    offset = frame.end
                case .end: return nil
                case .defect(let defect): return defect
                }
            }
            return nil
        }
    }

    private func attempt<Value>(_ body: () throws(DiskFailure) -> Value) throws(DecisionLogError) -> Value {
        do throws(DiskFailure) { return try body() } catch { throw DecisionLogError(.unavailable, "the decision log cannot be read: \(error.message)") }
    }

    private func damage(_ name: String, _ offset: Int, _ defect: FrameDefect) -> DecisionLogError {
        DecisionLogError(.damaged, "the decision log is damaged: '\(name)' at byte \(offset): \(defect); nothing was changed")
    }
}
