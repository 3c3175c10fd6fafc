// Opens a log: what a crash tore is cut off, what was damaged stops everything.
internal import Decisions
package import Ports
package import Primitives

/// What was found in a folder, ready to be written on.
package struct OpenedLog: Sendable {
    package var writer: SegmentWriter
    package var map: SegmentMap
    package var report: OpeningReport
}

package struct OpeningReport: Hashable, Sendable {
    /// Bytes behind the last whole entry that a crash left and that were cut off.
    package var cutBytes: Int
    /// Whole entries among them. They were in a write that was never durable, so nobody was promised them.
    package var cutEntries: Int

    package init(cutBytes: Int = 0, cutEntries: Int = 0) {
        self.cutBytes = cutBytes
        self.cutEntries = cutEntries
    }
}

/// Reads the folder in the order in which it was written. The disk is claimed already.
package struct LogOpening {
    private let disk: any LogDisk
    private let node: NodeID
    private let segmentBytes: Int
    private var report = OpeningReport()

    package init(disk: any LogDisk, node: NodeID, segmentBytes: Int) {
        self.disk = disk
        self.node = node
        self.segmentBytes = segmentBytes
    }

    /// When it returns, everything that the map says is durable is.
    package mutating func open() throws(DecisionLogError) -> OpenedLog {
        let names = try attempt { () throws(DiskFailure) in try disk.names() }
        var firsts = names.compactMap(SegmentName.first).sorted()
        let acknowledged = try names.contains(SegmentName.cursor) ? readCursor() : 0
        try check(firsts, acknowledged)
        var unfinished: UInt64?
        if let last = firsts.last, try isUnfinished(last, isOnly: firsts.count == 1) { unfinished = firsts.removeLast() }
        var segments: [SegmentEntry] = []
        for (first, next) in zip(firsts, firsts.dropFirst()) { segments.append(try readFull(first, next: next, acknowledged)) }
        // A segment is begun when all before it is durable.
        let promised = max(acknowledged, unfinished.map { $0 - 1 } ?? 0)
        let (file, end) = if let last = firsts.last { try readLast(last, promised) } else { try makeFirst(promised) }
        segments.append(end)
        if let unfinished, !firsts.isEmpty { try remove(unfinished) }
        let writer = SegmentWriter(disk: disk, node: node, segmentBytes: segmentBytes, file: file, open: end)
        return OpenedLog(writer: writer, map: SegmentMap(segments: segments, acknowledged: acknowledged), report: report)
    }

    private func remove(_ first: UInt64) throws(DecisionLogError) {
        try attempt { () throws(DiskFailure) in
            try disk.remove(SegmentName.text(of: first))
            try disk.syncFolder()
        }
    }

    private func readCursor() throws(DecisionLogError) -> UInt64 {
        guard let found = try attempt({ () throws(DiskFailure) in try CursorFile.read(on: disk) }) else {
            throw damage("the file '\(SegmentName.cursor)' does not have its checksum: nobody knows what was acknowledged")
        }
        return found
    }

    /// What is not acknowledged must be there from its first entry on.
    private func check(_ firsts: [UInt64], _ acknowledged: UInt64) throws(DecisionLogError) {
        guard let oldest = firsts.first else {
            guard acknowledged == 0 else { throw damage("it was acknowledged through \(acknowledged), and its segments are gone") }
            return
        }
        guard oldest - 1 <= acknowledged else {
            throw damage("the segment with the entry \(acknowledged + 1), which was not acknowledged, is gone; the oldest is '\(SegmentName.text(of: oldest))'")
        }
    }

    /// A crash while a segment was begun leaves a name and at most a part of a header: frames come only when the header is durable.
    private func isUnfinished(_ first: UInt64, isOnly: Bool) throws(DecisionLogError) -> Bool {
        let bytes = try attempt { () throws(DiskFailure) in try disk.open(SegmentName.text(of: first), .existing).read(at: 0, count: SegmentHeader.bytes + 1) }
        guard bytes.count <= SegmentHeader.bytes, !isOnly || first == 1 else { return false }
        do throws(SegmentHeader.Defect) {
            _ = try SegmentHeader.read(bytes)
            return false
        } catch {
            switch error {
            case .truncated, .corrupt: return true
            case .unknownFormat: return false
            }
        }
    }

    private func makeFirst(_ promised: UInt64) throws(DecisionLogError) -> (any LogFile, SegmentEntry) {
        guard promised == 0 else { throw damage("'\(SegmentName.text(of: 1))' holds nothing, and it was acknowledged through \(promised)") }
        let file = try attempt { () throws(DiskFailure) in
            let file = try disk.open(SegmentName.text(of: 1), .replacing)
            try file.write(SegmentHeader(first: 1, node: node).encoded, at: 0)
            try file.sync()
            try disk.syncFolder()
            return file
        }
        return (file, SegmentEntry(first: 1, last: 0, bytes: SegmentHeader.bytes, marks: []))
    }

    /// A segment with another behind it was durable as a whole before that one was begun.
    private func readFull(_ first: UInt64, next: UInt64, _ acknowledged: UInt64) throws(DecisionLogError) -> SegmentEntry {
        let name = SegmentName.text(of: first)
        let file = try attempt { () throws(DiskFailure) in try disk.open(name, .existing) }
        guard next - 1 > acknowledged else {
            return SegmentEntry(first: first, last: next - 1, bytes: try attempt { () throws(DiskFailure) in try file.size() }, marks: [])
        }
        var entry = SegmentEntry(first: first, last: first - 1, bytes: 0, marks: [])
        let bytes = try attempt { () throws(DiskFailure) in try file.read(at: 0, count: file.size()) }
        let scan = try scan(bytes, name, &entry)
        switch scan.ending {
        case .clean: break
        case .torn(let defect), .damaged(let defect, _): throw damage("'\(name)' at byte \(scan.end): \(defect), and '\(SegmentName.text(of: next))' follows")
        }
        guard scan.last == next - 1 else {
            throw damage("'\(name)' ends with the entry \(scan.last), and '\(SegmentName.text(of: next))' follows")
        }
        return entry
    }

    /// Everything up to `promised` was durable once.
    private mutating func readLast(_ first: UInt64, _ promised: UInt64) throws(DecisionLogError) -> (any LogFile, SegmentEntry) {
        let name = SegmentName.text(of: first)
        var entry = SegmentEntry(first: first, last: first - 1, bytes: 0, marks: [])
        let file = try attempt { () throws(DiskFailure) in try disk.open(name, .existing) }
        let bytes = try attempt { () throws(DiskFailure) in try file.read(at: 0, count: file.size()) }
        let scan = try scan(bytes, name, &entry)
        if case .damaged(let defect, let witness) = scan.ending {
            throw damage("'\(name)' at byte \(scan.end): \(defect), and the whole entry at byte \(witness) was written when it was durable")
        }
        guard scan.last >= promised else {
            throw damage("'\(name)' ends at byte \(scan.end) with the entry \(scan.last), and entries up to \(promised) were durable once")
        }
        report = OpeningReport(cutBytes: bytes.count - scan.end, cutEntries: scan.stranded)
        try attempt { () throws(DiskFailure) in
            if scan.end < bytes.count { try file.truncate(to: scan.end) }
            // Written again, because a system that failed to write it once may hold it in memory and say that there is nothing to sync. A header is proven
            // by the first frame behind it.
            let proven = scan.last < first ? 0 : scan.proven
            if proven < scan.end { try file.write(Array(bytes[proven..<scan.end]), at: proven) }
            try file.sync()
            try disk.syncFolder()
        }
        return (file, entry)
    }

    private func scan(_ bytes: [UInt8], _ name: String, _ entry: inout SegmentEntry) throws(DecisionLogError) -> SegmentScan {
        let scan: SegmentScan
        do throws(SegmentHeader.Defect) {
            scan = try SegmentScan(bytes) { frame, offset in entry.mark(frame.sequence, at: offset) }
        } catch { throw damage("'\(name)' at byte 0: \(error)") }
        guard scan.header.first == entry.first else { throw damage("'\(name)' says that it begins with the entry \(scan.header.first); it was renamed") }
        guard scan.header.node == node else { throw damage("'\(name)' is of the node '\(scan.header.node)', and this is '\(node)'; give each node its own folder") }
        entry.last = scan.last
        entry.bytes = scan.end
        return scan
    }

    private func attempt<Value>(_ body: () throws(DiskFailure) -> Value) throws(DecisionLogError) -> Value {
        do throws(DiskFailure) { return try body() } catch { throw DecisionLogError(.unavailable, "the decision log cannot be opened: \(error.message)") }
    }

    private func damage(_ what: String) -> DecisionLogError {
        DecisionLogError(.damaged, "the decision log is damaged: \(what); nothing was changed. Copy the folder away, and restore it or begin a new one")
    }
}
