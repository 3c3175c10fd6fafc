// The power goes in the middle of any operation, and what was not synced may be lost or kept in any part: no promise is broken.
import Decisions
import Ports
import Primitives
import SegmentLog
import Testing

@Suite struct PowerCutTests {
    /// What a log promised while it ran.
    private struct Promises {
        var entries: [UInt64: String] = [:]
        var acknowledged: UInt64 = 0
        var attempted: UInt64 = 0
    }

    /// What came to nothing.
    private struct Losses {
        var cuts = 0
        var broken: [String] = []
    }

    private static let small = options(segmentBytes: 2000, retainedBytes: 1000)

    /// Appends in writes of one to six entries, and acknowledges now and then, until it is done or the disk fails. The same seed gives the same operations.
    private static func life(on disk: ImageDisk, seed: UInt64, rounds: Int = 14) async throws -> Promises {
        var generator = SeededGenerator(seed: seed)
        var promises = Promises()
        guard let log = try? open(disk, small) else { return promises }
        for round in 0..<rounds {
            for number in 0..<Int.random(in: 0...5, using: &generator) { log.buffer(text(round, number, &generator)) }
            let last = text(round, 9, &generator)
            promises.attempted = log.status().last + 1
            guard let sequence = await log.append(last).sequence else { break }
            promises.entries[sequence] = last
            if Int.random(in: 0..<3, using: &generator) == 0 {
                let acknowledged = UInt64.random(in: 1...sequence, using: &generator)
                guard await failure({ try await log.acknowledge(through: acknowledged) }) == nil else { break }
                promises.acknowledged = max(promises.acknowledged, acknowledged)
            }
        }
        await log.close()
        return promises
    }

    private static func text(_ round: Int, _ number: Int, _ generator: inout SeededGenerator) -> String {
        "\(round).\(number) " + String(repeating: "x", count: [0, 10, 200, 600].randomElement(using: &generator) ?? 0)
    }

    /// What does not hold on a disk, in one sentence; `nil` when all does, and one entry more is promised then.
    private static func breach(of promises: inout Promises, on disk: ImageDisk) async throws -> String? {
        let log: SegmentLog
        do { log = try open(disk, small) } catch { return "it does not open: \(error)" }
        defer { Task { await log.close() } }
        let status = log.status()
        guard status.acknowledged >= promises.acknowledged else { return "the acknowledgement \(promises.acknowledged) went back to \(status.acknowledged)" }
        guard status.oldest <= status.acknowledged + 1 else { return "entries before \(status.oldest) are gone, and \(status.acknowledged) are acknowledged" }
        guard status.durable <= max(promises.attempted, status.acknowledged) else { return "\(status.durable) entries were found, and \(promises.attempted) were appended" }
        let texts: [String]
        do { texts = try await log.texts(after: status.acknowledged) } catch { return "it is not read: \(error)" }
        for (sequence, text) in promises.entries where sequence > status.acknowledged {
            let index = Int(sequence - status.acknowledged) - 1
            guard index < texts.count else { return "the durable entry \(sequence) is lost: the log ends with \(status.durable)" }
            guard texts[index] == text else { return "the entry \(sequence) is '\(texts[index].prefix(20))', and was '\(text.prefix(20))'" }
        }
        promises.attempted = status.durable + 1
        guard await log.append("next").sequence == promises.attempted else { return "it does not go on" }
        promises.entries[promises.attempted] = "next"
        await log.close()
        return nil
    }

    /// Cuts the power once in each operation of a life, and once more while the log is opened again.
    private static func losses(seeds: Range<UInt64>, lying lies: Set<ImageDisk.Operation> = []) async throws -> Losses {
        var losses = Losses()
        for seed in seeds {
            let whole = ImageDisk(lying: lies)
            _ = try await life(on: whole, seed: seed)
            for operations in 0..<whole.operations {
                let disk = ImageDisk(lying: lies)
                disk.cutPower(after: operations)
                var promises = try await life(on: disk, seed: seed)
                try #require(disk.isDead)
                var generator = SeededGenerator(seed: seed << 32 | UInt64(operations))
                var left = disk.afterPowerCut(using: &generator)
                if Bool.random(using: &generator) {
                    left.cutPower(after: Int.random(in: 0..<6, using: &generator))
                    await (try? open(left, small))?.close()
                    left = left.afterPowerCut(using: &generator)
                }
                losses.cuts += 1
                if let breach = try await breach(of: &promises, on: left) { losses.broken.append("seed \(seed), operation \(operations): \(breach)") }
            }
        }
        return losses
    }

    /// Longer with PENSTOCK_SEEDS=32.
    private static let seeds = UInt64(number("PENSTOCK_SEEDS") ?? 5)

    @Test func promise11_aPowerCutAnywhereBreaksNoPromise() async throws {
        let losses = try await Self.losses(seeds: 0..<Self.seeds)
        #expect(losses.cuts >= 60 * Int(Self.seeds), "\(losses.cuts) cuts")
        #expect(losses.broken.isEmpty, "\(losses.broken.count) of \(losses.cuts): \(losses.broken.prefix(3))")
    }

    /// A disk that says that it has synced, and has not: the cuts above must see it, or they prove nothing.
    @Test(arguments: [ImageDisk.Operation.sync, .syncFolder]) func withoutSyncsTheCutsFindLosses(_ operation: ImageDisk.Operation) async throws {
        let losses = try await Self.losses(seeds: 0..<2, lying: [operation])
        #expect(losses.broken.count > losses.cuts / 10, "\(losses.broken.count) of \(losses.cuts)")
    }

    /// The Nth operation fails, once or from there on, because the disk is full or because it is bad. Then the power goes; or the process is killed, the
    /// next one opens the log and appends, and then the power goes.
    @Test(arguments: [true, false], [true, false]) func anyOperationThatFailsBreaksNoPromise(_ isOnce: Bool, _ isFull: Bool) async throws {
        for seed in 0..<(Self.seeds + 4) / 5 {
            let whole = ImageDisk()
            _ = try await Self.life(on: whole, seed: seed)
            for operations in 0..<whole.operations {
                let disk = ImageDisk()
                disk.fail(Set(ImageDisk.Operation.allCases), after: operations, once: isOnce, full: isFull)
                let promises = try await Self.life(on: disk, seed: seed)
                disk.heal()
                var generator = SeededGenerator(seed: seed << 32 | UInt64(operations))
                var cut = promises, killed = promises
                let left = disk.afterKill()
                var breaches = [try await Self.breach(of: &cut, on: disk.afterPowerCut(using: &generator)), try await Self.breach(of: &killed, on: left)]
                for _ in 0..<3 {
                    // Each is another world: what one of them appends is promised in that one only.
                    var later = killed
                    breaches.append(try await Self.breach(of: &later, on: left.afterPowerCut(using: &generator)))
                }
                for breach in breaches.compactMap({ $0 }) { Issue.record("seed \(seed), operation \(operations): \(breach)") }
            }
        }
    }
}
