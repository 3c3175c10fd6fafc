// Whatever a crash or a bad disk does to a segment: no wrong entry, no trap, and damage is told from a torn end.
import Decisions
import Primitives
import Testing

@Suite struct SegmentScanTests {
    /// Fifty small frames behind a header; `places` says which of them began a write.
    struct Segment {
        var bytes: [UInt8]
        /// Where each frame begins, and at last where the bytes end.
        var starts: [Int] = []
        var payloads: [[UInt8]] = []

        init(places: [UInt32], first: UInt64 = 1) throws {
            bytes = SegmentHeader(first: first, node: try #require(NodeID("node-a"))).encoded
            for (index, place) in places.enumerated() {
                starts.append(bytes.count)
                payloads.append(Array("entry \(index)".utf8))
                LogFrame(sequence: first + UInt64(index), place: place, kind: .decision, payload: payloads[index]).append(to: &bytes)
            }
            starts.append(bytes.count)
        }

        /// Fifty writes of one frame each.
        static func single() throws -> Segment { try Segment(places: Array(repeating: 1, count: 50)) }

        /// The last of these begins at frame 40.
        static func grouped() throws -> Segment { try Segment(places: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].flatMap { _ in [1, 2, 3, 4, 5] as [UInt32] }.dropLast(10) + Array(1...10)) }
    }

    static func scan(_ bytes: [UInt8]) throws -> (scan: SegmentScan, payloads: [[UInt8]]) {
        var payloads: [[UInt8]] = []
        let scan = try bytes.withUnsafeBytes { raw in try SegmentScan(raw) { frame, _ in payloads.append(Array(raw[frame.payload])) } }
        return (scan, payloads)
    }

    @Test func aWholeSegmentIsRead() throws {
        let segment = try Segment(places: [1, 1, 2, 3, 1, 2], first: 41)
        let (scan, payloads) = try Self.scan(segment.bytes)
        #expect(scan.header.first == 41 && scan.last == 46 && scan.end == segment.bytes.count && scan.ending == .clean && scan.stranded == 0)
        #expect(scan.proven == segment.starts[4])
        #expect(payloads == segment.payloads)
    }

    @Test func aSegmentWithoutFramesIsWhole() throws {
        let (scan, _) = try Self.scan(try Segment(places: [], first: 9).bytes)
        #expect(scan.last == 8 && scan.end == SegmentHeader.bytes && scan.proven == scan.end && scan.ending == .clean)
    }

    @Test func everyCutLeavesTheFramesBeforeIt() throws {
        let segment = try Segment.single()
        for size in 0...segment.bytes.count {
            let bytes = Array(segment.bytes[..<size])
            guard size >= SegmentHeader.bytes else {
                #expect(throws: SegmentHeader.Defect.truncated) { try Self.scan(bytes) }
                continue
            }
            let whole = segment.starts.dropFirst().count { $0 <= size }
            let (scan, payloads) = try Self.scan(bytes)
            #expect(payloads.elementsEqual(segment.payloads.prefix(whole)) && scan.last == UInt64(whole) && scan.end == segment.starts[whole])
            #expect(scan.ending == (size == segment.starts[whole] ? .clean : .torn(.truncated)))
        }
    }

    @Test func everyFlippedBitIsFoundAndJudged() throws {
        let segment = try Segment.single()
        for bit in 0..<segment.bytes.count * 8 {
            let bytes = flipped(segment.bytes, bit)
            guard bit / 8 >= SegmentHeader.bytes else {
                #expect(throws: SegmentHeader.Defect.corrupt) { try Self.scan(bytes) }
                continue
            }
            let hit = segment.starts.lastIndex { $0 <= bit / 8 } ?? 0
            let (scan, payloads) = try Self.scan(bytes)
            #expect(payloads.elementsEqual(segment.payloads.prefix(hit)) && scan.last == UInt64(hit) && scan.end == segment.starts[hit], "bit \(bit)")
            switch scan.ending {
            case .damaged(_, let witness): #expect(hit < 49 && witness == segment.starts[hit + 1], "bit \(bit)")
            case .torn: #expect(hit == 49, "bit \(bit)")
            case .clean: Issue.record("bit \(bit) was not seen")
            }
        }
    }

    /// A power cut may lose any part of the write that was under way, and keep any other.
    @Test func aHoleInTheLastWriteIsTorn() throws {
        let segment = try Segment.grouped()
        for hit in 0..<50 {
            var bytes = segment.bytes
            for index in segment.starts[hit]..<segment.starts[hit + 1] { bytes[index] = 0 }
            let (scan, _) = try Self.scan(bytes)
            #expect(scan.last == UInt64(hit))
            if hit < 40 {
                let witness = segment.starts[(hit / 5 + 1) * 5]
                #expect(scan.ending == .damaged(.corrupt, witness: witness), "frame \(hit)")
            } else {
                #expect(scan.ending == .torn(.corrupt) && scan.stranded == 49 - hit, "frame \(hit)")
            }
        }
    }

    @Test func aFrameOfAnotherPlaceIsNotTaken() throws {
        let segment = try Segment.single()
        func frame(_ index: Int) -> ArraySlice<UInt8> { segment.bytes[segment.starts[index]..<segment.starts[index + 1]] }
        let skipped = segment.bytes[..<segment.starts[10]] + frame(11)
        #expect(try Self.scan(Array(skipped)).scan.ending == .damaged(.impossibleSequence(12), witness: segment.starts[10]))
        let repeated = segment.bytes[..<segment.starts[10]] + frame(9)
        #expect(try Self.scan(Array(repeated)).scan.ending == .torn(.impossibleSequence(10)))
    }

    @Test func theLastNumberOfAllEndsTheScan() throws {
        let segment = try Segment(places: [1, 1], first: .max - 1)
        let (scan, payloads) = try Self.scan(segment.bytes + [0])
        #expect(payloads.count == 2 && scan.last == .max && scan.ending == .torn(.truncated))
        #expect(try Self.scan(segment.bytes + bytes(of: LogFrame(sequence: 1, place: 1, kind: .decision, payload: []))).scan.last == .max)
    }
}
