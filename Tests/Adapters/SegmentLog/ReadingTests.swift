// What is durable is read in order and checked once more; what is acknowledged may go, and nothing else.
import Decisions
import Ports
import Primitives
import SegmentLog
import Testing

@Suite struct ReadingTests {
    private static func filled(_ disk: ImageDisk, _ count: Int, _ options: SegmentLog.Options = options(segmentBytes: 300)) async throws -> SegmentLog {
        let log = try open(disk, options)
        for number in 1...count { #expect(await log.append("entry \(number)").sequence == UInt64(number)) }
        return log
    }

    private static func texts(_ range: ClosedRange<Int>) -> [String] { range.map { "entry \($0)" } }

    @Test func everyPlaceIsAPlaceToBegin() async throws {
        let disk = ImageDisk()
        let log = try await Self.filled(disk, 40)
        #expect(disk.files.count > 3)
        for start in 0...40 {
            for limit in [0, 1, 50, 1000] {
                #expect(try await log.texts(after: UInt64(start), limit: limit) == (start < 40 ? Self.texts(start + 1...40) : []))
            }
        }
        for beyond in [40, 41, .max] as [UInt64] { #expect(try await log.read(after: beyond, limit: 100).isEmpty) }
        await log.close()
    }

    @Test func aReadGivesAtLeastOneAndThenKeepsToItsLimit() async throws {
        let log = try await Self.filled(ImageDisk(), 30)
        for (limit, count) in [(0, 1), (7, 1), (14, 2), (20, 2), (21, 3)] { #expect(try await log.read(after: 0, limit: limit).count == count, "\(limit)") }
        await log.close()
    }

    @Test func longEntriesAreReadAcrossPieces() async throws {
        let log = try open(ImageDisk(), options(segmentBytes: 3 << 20))
        let sizes = [10, LogFrame.mostPayloadBytes, 255 * 1024, 300 * 1024, 10, LogFrame.mostPayloadBytes, LogFrame.mostPayloadBytes, 1]
        for size in sizes { _ = await log.append(String(repeating: "x", count: size)) }
        #expect(try await log.texts(limit: 1).map(\.utf8.count) == sizes)
        #expect(try await log.read(after: 0, limit: .max).map(\.payload.count) == sizes)
        await log.close()
    }

    @Test func onlyDurableEntriesAreRead() async throws {
        let disk = ImageDisk()
        let log = try await Self.filled(disk, 3)
        let gate = disk.gate()
        let next = log.start("entry 4")
        await gate.arrival()
        log.buffer("entry 5")
        #expect(try await log.texts() == Self.texts(1...3))
        #expect(await failure { try await log.acknowledge(through: 4) }?.code == .refused)
        gate.open()
        #expect(await next.result?.sequence == 4)
        #expect(try await log.texts(after: 3) == ["entry 4"])
        await log.close()
    }

    @Test func damageIsReportedAndNothingIsLeftOut() async throws {
        let (bytes, starts) = try segment(of: 20)
        for bit in stride(from: SegmentHeader.bytes * 8, to: bytes.count * 8, by: 11) {
            let disk = ImageDisk([name(of: 1): bytes])
            let log = try open(disk)
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            disk.set(name(of: 1), flipped)
            let place = starts.last { $0 <= bit / 8 } ?? 0
            let error = await failure { try await log.read(after: 0, limit: .max) }
            #expect(error?.code == .damaged && error?.message.contains("'\(name(of: 1))' at byte \(place):") == true, "\(error?.message ?? "")")
            await log.close()
        }
        for size in [0, 50, 96, starts[10], starts[10] + 5] {
            let disk = ImageDisk([name(of: 1): bytes])
            let log = try open(disk)
            disk.set(name(of: 1), Array(bytes[..<size]))
            #expect(await failure { try await log.read(after: 0, limit: .max) }?.code == .damaged)
            await log.close()
        }
    }

    @Test func acknowledgementsAreDurableAndNeverGoBack() async throws {
        let disk = ImageDisk()
        let log = try await Self.filled(disk, 20)
        try await log.acknowledge(through: 0)
        #expect(disk.files["cursor"] == nil)
        try await log.acknowledge(through: 7)
        let written = disk.operations
        for older in [0, 3, 7] as [UInt64] { try await log.acknowledge(through: older) }
        #expect(log.status().acknowledged == 7 && disk.operations == written)
        for beyond in [21, .max] as [UInt64] { #expect(await failure { try await log.acknowledge(through: beyond) }?.code == .refused) }
        for seed in 0..<20 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let again = try open(disk.afterPowerCut(using: &generator))
            #expect(again.status().acknowledged == 7)
            await again.close()
        }
        await log.close()
    }

    @Test func whatIsNotAcknowledgedIsNeverRemoved() async throws {
        let disk = ImageDisk()
        let log = try await Self.filled(disk, 60)
        let segments = disk.files.keys.filter { $0.hasSuffix(".seg") }.compactMap { UInt64($0.dropLast(4)) }.sorted()
        try #require(segments.count > 5)
        for sequence in 1...60 as ClosedRange<UInt64> {
            try await log.acknowledge(through: sequence)
            // A segment is done when the next one begins behind what is acknowledged; the last one stays.
            let left = segments.enumerated().filter { index, _ in index == segments.count - 1 || segments[index + 1] > sequence + 1 }.map(\.element)
            #expect(disk.files.keys.filter { $0.hasSuffix(".seg") }.sorted() == left.map { name(of: $0) })
            #expect(log.status().oldest == left[0])
            #expect(try await log.texts(after: sequence) == (sequence < 60 ? Self.texts(Int(sequence) + 1...60) : []))
        }
        let gone = await failure { try await log.read(after: 0, limit: 10) }
        #expect(gone?.code == .gone && gone?.message.contains("the oldest is \(segments[segments.count - 1])") == true)
        await log.close()
    }

    @Test func numbersGoOnWhenEverythingWasAcknowledgedAndRemoved() async throws {
        let disk = ImageDisk()
        var count: UInt64 = 0
        for _ in 0..<6 {
            let log = try open(disk, options(segmentBytes: 120))
            #expect(log.status().last == count && log.status().acknowledged == count)
            for _ in 0..<4 {
                count += 1
                #expect(await log.append("entry number \(count)").sequence == count)
            }
            try await log.acknowledge(through: count)
            #expect(disk.files.keys.filter { $0.hasSuffix(".seg") }.count == 1)
            await log.close()
        }
    }

    @Test func acknowledgedSegmentsAreKeptWithinTheirBytes() async throws {
        let disk = ImageDisk()
        let log = try await Self.filled(disk, 60, options(segmentBytes: 300, retainedBytes: 700))
        try await log.acknowledge(through: 60)
        let segments = disk.files.filter { $0.key.hasSuffix(".seg") }.sorted { $0.key < $1.key }
        let retained = segments.dropLast().reduce(0) { $0 + $1.value.count }
        #expect(segments.count == 3 && retained <= 700 && retained + segments[0].value.count > 700)
        #expect(log.status().bytes == segments.reduce(0) { $0 + $1.value.count })
        let oldest = log.status().oldest
        #expect(try await log.texts(after: oldest - 1) == Self.texts(Int(oldest)...60))
        await log.close()
        let again = try open(disk)
        #expect(try await again.texts(after: oldest - 1) == Self.texts(Int(oldest)...60))
        await again.close()
    }

    @Test func aSegmentThatCannotBeRemovedIsTriedAgain() async throws {
        let disk = ImageDisk()
        let log = try await Self.filled(disk, 30)
        let count = disk.files.count
        disk.fail([.remove])
        try await log.acknowledge(through: 29)
        #expect(log.status().acknowledged == 29 && disk.files.count == count + 1 && log.status().broken == nil)
        #expect(try await log.texts() == Self.texts(1...30))
        disk.heal()
        try await log.acknowledge(through: 30)
        #expect(disk.files.keys.filter { $0.hasSuffix(".seg") }.count == 1)
        await log.close()
    }
}
