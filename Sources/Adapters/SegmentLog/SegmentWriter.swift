// Puts entries behind one another on the disk, and knows which of them are durable.
package import Decisions
internal import Primitives

/// An entry whose place is decided, but that is on no disk yet.
package struct PendingEntry: Sendable {
    package var kind: LogFrame.Kind
    package var payload: [UInt8]

    package init(kind: LogFrame.Kind, payload: [UInt8]) {
        self.kind = kind
        self.payload = payload
    }
}

/// The end of a log. One thread at a time, and no thread of its own.
package struct SegmentWriter: Sendable {
    package enum Outcome: Sendable {
        /// All entries of the write are, as well.
        case durable
        /// None is in the log. What did not fit was taken back; the next write may pass.
        case unavailable(String)
        /// Some may be in the log and some not. There will be no next write.
        case broken(String)
    }

    private let disk: any LogDisk
    private let node: NodeID
    private let segmentBytes: Int
    private var file: any LogFile
    /// The segment that is written to, as far as it is durable.
    package private(set) var open: SegmentEntry
    /// Kept between writes, so that it grows once.
    private var buffer: [UInt8] = []

    init(disk: any LogDisk, node: NodeID, segmentBytes: Int, file: any LogFile, open: SegmentEntry) {
        self.disk = disk
        self.node = node
        self.segmentBytes = segmentBytes
        self.file = file
        self.open = open
    }

    /// Writes the entries, numbered from `open.last + 1`, at once and syncs once. After `.broken` it must not be called again.
    package mutating func write(_ entries: some Collection<PendingEntry>) -> Outcome {
        if open.bytes >= segmentBytes, open.last >= open.first {
            switch startSegment() {
            case .durable: break
            case let failure: return failure
            }
        }
        encode(entries)
        do throws(DiskFailure) { try file.write(buffer, at: open.bytes) } catch {
            return error.isFull ? takeBack(error) : Self.broken(error)
        }
        do throws(DiskFailure) { try file.sync() } catch { return Self.broken(error) }
        note(entries)
        return .durable
    }

    private mutating func encode(_ entries: some Collection<PendingEntry>) {
        buffer.removeAll(keepingCapacity: true)
        for (index, entry) in entries.enumerated() {
            LogFrame(sequence: open.last + UInt64(index) + 1, place: UInt32(index + 1), kind: entry.kind, payload: entry.payload).append(to: &buffer)
        }
    }

    private mutating func note(_ entries: some Collection<PendingEntry>) {
        for entry in entries {
            open.last += 1
            open.mark(open.last, at: open.bytes)
            open.bytes += LogFrame.headerBytes + entry.payload.count
        }
    }

    /// Half a write must not stand where the next one goes, nor come back after a power cut.
    private func takeBack(_ failure: DiskFailure) -> Outcome {
        do throws(DiskFailure) {
            try file.truncate(to: open.bytes)
            try file.sync()
        } catch { return Self.broken(error) }
        return .unavailable("\(failure.message); nothing of this write was kept")
    }

    /// What the full segment holds is durable already; the new one is there as a name and a header before anything goes into it.
    private mutating func startSegment() -> Outcome {
        let first = open.last + 1
        let name = SegmentName.text(of: first)
        let created: any LogFile
        do throws(DiskFailure) { created = try disk.open(name, .new) } catch {
            return error.isFull ? .unavailable(error.message) : Self.broken(error)
        }
        do throws(DiskFailure) { try created.write(SegmentHeader(first: first, node: node).encoded, at: 0) } catch {
            guard error.isFull else { return Self.broken(error) }
            do throws(DiskFailure) { try disk.remove(name) } catch { return Self.broken(error) }
            return .unavailable(error.message)
        }
        do throws(DiskFailure) {
            try created.sync()
            try disk.syncFolder()
        } catch { return Self.broken(error) }
        file = created
        open = SegmentEntry(first: first, last: first - 1, bytes: SegmentHeader.bytes, marks: [])
        return .durable
    }

    private static func broken(_ failure: DiskFailure) -> Outcome { .broken(sentence(for: failure)) }

    /// What everybody is told from then on.
    static func sentence(for failure: DiskFailure) -> String {
        "\(failure.message), so nobody knows what is durable; the decision log takes nothing more, restart to read what was kept"
    }
}
