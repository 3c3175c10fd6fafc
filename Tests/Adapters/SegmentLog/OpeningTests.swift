// After any crash the log has what was whole; after any damage it does not open, and changes nothing.
import Decisions
import Ports
import Primitives
import SegmentLog
import Testing

@Suite struct OpeningTests {
    private static func entry(_ text: String) -> PendingEntry { PendingEntry(kind: .decision, payload: Array(text.utf8)) }

    private static func opened(_ disk: ImageDisk) throws -> OpenedLog {
        var opening = LogOpening(disk: disk, node: try node(), segmentBytes: 1 << 20)
        return try opening.open()
    }

    @Test func aLogThatIsCutAnywhereGoesOnFromItsLastWholeEntry() throws {
        let (bytes, starts) = try segment(of: 50)
        for size in 0...bytes.count {
            let disk = ImageDisk([name(of: 1): Array(bytes[..<size])])
            let whole = starts.dropFirst().count { $0 <= size }
            var log = try Self.opened(disk)
            let expected = size < SegmentHeader.bytes ? 0 : size - starts[whole]
            #expect(log.map.durable == UInt64(whole) && log.report.cutBytes == expected && log.report.cutEntries == 0, "cut at \(size)")
            guard case .durable = log.writer.write([Self.entry("next")]) else {
                Issue.record("cut at \(size) it does not go on")
                return
            }
            let again = try Self.opened(disk)
            #expect(again.map.durable == UInt64(whole) + 1 && again.report == OpeningReport())
            #expect(disk.files[name(of: 1)]?.starts(with: bytes[..<max(SegmentHeader.bytes, starts[whole])]) == true)
        }
    }

    @Test func whatOpensIsDurable() async throws {
        let (bytes, _) = try segment(of: 20)
        for size in [bytes.count, bytes.count - 1, 50] {
            for seed in 0..<20 as Range<UInt64> {
                var generator = SeededGenerator(seed: seed)
                let disk = ImageDisk([name(of: 1): Array(bytes[..<size])])
                let durable = try Self.opened(disk).map.durable
                #expect(try Self.opened(disk.afterPowerCut(using: &generator)).map.durable == durable)
            }
        }
    }

    @Test func aFlippedBitInTheMiddleStopsTheLogAndNamesItsPlace() throws {
        let (bytes, starts) = try segment(of: 50)
        for bit in stride(from: 0, to: starts[49] * 8, by: 7) {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            let place = bit / 8 < SegmentHeader.bytes ? 0 : starts.last { $0 <= bit / 8 } ?? 0
            try refuses([name(of: 1): flipped], "'\(name(of: 1))' at byte \(place): ")
        }
    }

    /// Opening refuses, says so, and leaves every byte as it was.
    private func refuses(_ files: [String: [UInt8]], _ says: String) throws {
        let disk = ImageDisk(files)
        let error = #expect(throws: DecisionLogError.self) { try Self.opened(disk) }
        #expect(error?.code == .damaged && error?.message.contains(says) == true, "\(error?.message ?? "")")
        #expect(disk.operations == 0 && disk.files == files)
    }

    @Test func aTornSegmentThatAnotherOneFollowsIsDamaged() throws {
        let (first, starts) = try segment(of: 5), (second, _) = try segment(of: 5, first: 6)
        try refuses([name(of: 1): first.dropLast(), name(of: 6): second], "at byte \(starts[4]): the frame is cut off, and '\(name(of: 6))' follows")
        try refuses([name(of: 1): Array(first[..<starts[4]]), name(of: 6): second], "ends with the entry 4, and '\(name(of: 6))' follows")
        try refuses([name(of: 1): first.dropLast(), name(of: 6): []], "entries up to 5 were durable once")
        try refuses([name(of: 1): first, name(of: 7): try segment(of: 5, first: 7).bytes], "ends with the entry 5, and '\(name(of: 7))' follows")
    }

    @Test func aSegmentThatWasOnlyBegunIsBegunAgain() throws {
        let (first, _) = try segment(of: 5), header = SegmentHeader(first: 6, node: try node()).encoded
        for size in 0...SegmentHeader.bytes {
            let disk = ImageDisk([name(of: 1): first, name(of: 6): Array(header[..<size])])
            var log = try Self.opened(disk)
            #expect(log.map.durable == 5 && disk.files[name(of: 6)] == (size == SegmentHeader.bytes ? header : nil))
            guard case .durable = log.writer.write([Self.entry("next")]) else {
                Issue.record("cut at \(size) it does not go on")
                return
            }
            #expect(try Self.opened(disk).map.durable == 6)
        }
        var noise = header
        noise[30] ^= 1
        #expect(try Self.opened(ImageDisk([name(of: 1): first, name(of: 6): noise])).map.durable == 5)
        try refuses([name(of: 1): first, name(of: 6): noise + [0]], "'\(name(of: 6))' at byte 0: the header does not have its checksum")
        try refuses([name(of: 6): Array(header[..<50])], "the segment with the entry 1, which was not acknowledged, is gone")
    }

    @Test func foreignSegmentsAreRefused() throws {
        let (bytes, _) = try segment(of: 3)
        try refuses([name(of: 1): SegmentHeader(first: 1, node: try node("node-b")).encoded], "is of the node 'node-b'")
        try refuses([name(of: 4): bytes, "cursor": try cursor(3)], "begins with the entry 1; it was renamed")
        var newer = bytes
        newer[8] = 2
        let checksum = CRC32C.of(Array(newer[..<92]))
        newer.replaceSubrange(92..<96, with: withUnsafeBytes(of: checksum.littleEndian) { Array($0) })
        try refuses([name(of: 1): newer], "has format 2")
        try refuses([name(of: 1): Array(newer[..<96])], "has format 2")
    }

    @Test func otherFilesAreLeftAlone() throws {
        let (bytes, _) = try segment(of: 3)
        let others: [String: [UInt8]] = ["lock": [], "cursor.new": [1], "1.seg": [1], name(of: 1) + ".bak": [2], "00000000000000000000.seg": [3], "notes": [4]]
        let disk = ImageDisk(others.merging([name(of: 1): bytes]) { first, _ in first })
        #expect(try Self.opened(disk).map.segments.map(\.first) == [1])
        #expect(others.allSatisfy { disk.files[$0.key] == $0.value })
    }

    /// Golden bytes, computed apart.
    private func cursor(_ acknowledged: UInt64) throws -> [UInt8] {
        let known: [UInt64: String] = [3: "50454e4355525352010000000300000000000000ede0284e", 5: "50454e4355525352010000000500000000000000ce984dfd"]
        return try #require(known[acknowledged].flatMap { [UInt8](hex: $0) })
    }

    @Test func acknowledgedEntriesMayBeGoneAndOthersMayNot() throws {
        let (second, starts) = try segment(of: 5, first: 4)
        #expect(try Self.opened(ImageDisk([name(of: 4): second, "cursor": cursor(3)])).map.acknowledged == 3)
        #expect(try Self.opened(ImageDisk([name(of: 4): second, "cursor": cursor(5)])).map.oldest == 4)
        try refuses([name(of: 4): second], "the segment with the entry 1, which was not acknowledged, is gone")
        try refuses([name(of: 5): try segment(of: 5, first: 5).bytes, "cursor": cursor(3)], "the entry 4")
        try refuses(["cursor": cursor(3)], "its segments are gone")
        for size in [0, 50, 95] {
            try refuses([name(of: 1): Array(SegmentHeader(first: 1, node: node()).encoded[..<size]), "cursor": cursor(3)], "holds nothing, and it was acknowledged")
        }
        try refuses([name(of: 4): Array(second[..<starts[1]]), "cursor": cursor(5)], "entries up to 5 were durable once")
    }

    @Test func everyChangedCursorIsRefused() throws {
        let (bytes, _) = try segment(of: 9)
        let cursor = try cursor(5)
        for bit in 0..<cursor.count * 8 {
            var flipped = cursor
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            try refuses([name(of: 1): bytes, "cursor": flipped], "'cursor' does not have its checksum")
        }
        for size in 0..<cursor.count { try refuses([name(of: 1): bytes, "cursor": Array(cursor[..<size])], "'cursor'") }
        try refuses([name(of: 1): bytes, "cursor": cursor + [0]], "'cursor'")
    }

    @Test func aDiskThatFailsWhileItIsOpenedIsNoDamage() throws {
        let (bytes, _) = try segment(of: 5)
        for files in [[:], [name(of: 1): bytes], [name(of: 1): bytes.dropLast()], [name(of: 1): bytes, name(of: 6): []]] as [[String: [UInt8]]] {
            let total = { () throws -> Int in
                let disk = ImageDisk(files)
                _ = try Self.opened(disk)
                return disk.operations
            }
            for count in 0..<(try total()) {
                let disk = ImageDisk(files)
                disk.fail(Set(ImageDisk.Operation.allCases), after: count)
                let error = #expect(throws: DecisionLogError.self) { try Self.opened(disk) }
                #expect(error?.code == .unavailable)
                disk.heal()
                #expect(try Self.opened(disk).map.durable >= 4 || files.isEmpty)
            }
        }
    }

    /// Linux reports a failed sync once and then holds the pages as clean: only what is written again can be made durable.
    @Test func entriesWhoseSyncFailedAreNotBelievedWithoutBeingWrittenAgain() async throws {
        let disk = ImageDisk()
        let log = try open(disk)
        _ = await log.append("one")
        disk.fail([.sync])
        #expect(await log.append("two").code == .broken)
        disk.heal()
        await log.close()
        let again = try open(disk.afterKill())
        #expect(again.status().durable == 2)
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<20 {
            let cut = disk.afterKill()
            _ = try Self.opened(cut)
            #expect(try Self.opened(cut.afterPowerCut(using: &generator)).map.durable == 2)
        }
        await again.close()
    }
}
