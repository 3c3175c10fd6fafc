// Which segments there are, and where in them an entry is to be looked for.
internal import Decisions

/// One segment. Only what is durable counts.
package struct SegmentEntry: Hashable, Sendable {
    package var first: UInt64
    /// One below `first` while it holds nothing.
    package var last: UInt64
    package var bytes: Int
    /// Where some of its frames stand, in rising order; a frame is found by reading on from the nearest one before it.
    package var marks: [Mark]

    package struct Mark: Hashable, Sendable {
        package var sequence: UInt64
        package var offset: Int
    }

    private static let bytesBetweenMarks = 64 * 1024

    mutating func mark(_ sequence: UInt64, at offset: Int) {
        if let newest = marks.last, offset - newest.offset < Self.bytesBetweenMarks { return }
        marks.append(Mark(sequence: sequence, offset: offset))
    }

    /// Where to begin reading to find an entry.
    func start(for sequence: UInt64) -> Mark {
        marks.last { $0.sequence <= sequence } ?? Mark(sequence: first, offset: SegmentHeader.bytes)
    }
}

/// All segments of a log in their order. The last one is written to, and is never removed: its name keeps the numbers rising.
package struct SegmentMap: Hashable, Sendable {
    package var segments: [SegmentEntry]
    package var acknowledged: UInt64

    package var oldest: UInt64 { segments.first?.first ?? 1 }
    package var durable: UInt64 { segments.last?.last ?? 0 }
    package var bytes: Int { segments.reduce(0) { $0 + $1.bytes } }

    /// The segment that is written to, as it is now.
    mutating func update(_ open: SegmentEntry) {
        if segments.last?.first == open.first { segments[segments.count - 1] = open } else { segments.append(open) }
    }

    /// The segments that hold an entry and those after it.
    func segments(from sequence: UInt64) -> ArraySlice<SegmentEntry> {
        guard let index = segments.lastIndex(where: { $0.first <= sequence }) else { return [] }
        return segments[index...]
    }

    /// The oldest segments that hold only acknowledged entries, as far as those together take more than `retained` bytes.
    func removable(retaining retained: Int) -> [SegmentEntry] {
        let done = segments.dropLast().prefix { $0.last <= acknowledged }
        var excess = done.reduce(0) { $0 + $1.bytes } - retained
        return Array(
            done.prefix { segment in
                defer { excess -= segment.bytes }
                return excess > 0
            })
    }
}
