// Appends are numbered without a gap, completed once and in order, and share their syncs.
import Decisions
import Ports
import Primitives
import SegmentLog
import Synchronization
import Testing

@Suite struct AppendTests {
    @Test func sequencesAreDenseFromOneAcrossRestarts() async throws {
        let disk = ImageDisk()
        var expected: [String] = []
        for round in 0..<5 {
            let log = try open(disk)
            #expect(log.status().durable == UInt64(round * 3) && log.status().last == UInt64(round * 3))
            for number in 0..<3 {
                expected.append("\(round).\(number)")
                #expect(await log.append("\(round).\(number)").sequence == UInt64(expected.count))
            }
            #expect(try await log.texts() == expected)
            await log.close()
        }
    }

    @Test func entriesKeepTheirKindsAndBytes() async throws {
        let disk = ImageDisk()
        let log = try open(disk)
        let payloads: [[UInt8]] = [[], [0], Array(0...255), [UInt8](repeating: 7, count: LogFrame.mostPayloadBytes)]
        let kinds: [LogFrame.Kind] = [.decision, .outcome, LogFrame.Kind(rawValue: 99), .decision]
        for (payload, kind) in zip(payloads, kinds) {
            await withCheckedContinuation { continuation in
                log.append(payload, kind: kind, durable: true) { result in
                    #expect(result.sequence != nil)
                    continuation.resume()
                }
            }
        }
        #expect(try await log.read(after: 0, limit: .max) == zip(payloads, kinds).enumerated().map { DecisionLogEntry(sequence: UInt64($0 + 1), kind: $1.1, payload: $1.0) })
        await log.close()
    }

    @Test func anEntryThatIsTooLongIsRefusedAtOnce() async throws {
        let log = try open(ImageDisk())
        let found = Kept<Appended?>(nil)
        log.append([UInt8](repeating: 0, count: LogFrame.mostPayloadBytes + 1), kind: .decision, durable: true) { result in found.value.withLock { $0 = result } }
        #expect(found.value.withLock { $0 }?.code == .refused && log.status().last == 0)
        #expect(await log.append("next").sequence == 1)
        await log.close()
    }

    @Test func allWhoWaitForOneSyncShareTheNext() async throws {
        let disk = ImageDisk()
        let log = try open(disk)
        let gate = disk.gate()
        let before = disk.count(.sync), order = Kept<[UInt64]>([])
        let first = log.start("first")
        await gate.arrival()
        for number in 1..<63 {
            log.append(Array("\(number)".utf8), kind: .decision, durable: true) { result in order.value.withLock { $0.append(result.sequence ?? 0) } }
        }
        let last = log.start("last")
        #expect(log.status().waiting == 63 && log.status().last == 64 && log.status().durable == 0)
        #expect(order.value.withLock { $0.isEmpty })
        gate.open()
        #expect(await first.result?.sequence == 1)
        #expect(await last.result?.sequence == 64)
        #expect(disk.count(.sync) - before == 2)
        #expect(order.value.withLock { $0 } == Array(2...63))
        await log.close()
    }

    /// Each of 64 producers appends its next entry when the one before is durable.
    @Test func manyProducersShareSyncsOnARealDisk() async throws {
        let folder = try Folder()
        let disk = CountingDisk(FolderDisk(folder("log")))
        let log = try SegmentLog(disk: disk, node: node())
        let before = disk.syncs, producers = 64, each = 200
        let (completions, completed) = AsyncStream<UInt64>.makeStream()
        @Sendable func append(_ producer: Int, _ number: Int) {
            log.append(Array("\(producer).\(number)".utf8), kind: .decision, durable: true) { result in
                completed.yield(result.sequence ?? 0)
                if number < each { append(producer, number + 1) }
            }
        }
        for producer in 0..<producers { append(producer, 1) }
        var found: [UInt64] = []
        for await sequence in completions.prefix(producers * each) { found.append(sequence) }
        #expect(found == Array(1...UInt64(producers * each)))
        // Whoever completes appends before the next write is gathered: after the first few, each write holds all 64.
        #expect(disk.syncs - before <= each + 10, "\(disk.syncs - before) syncs")
        var next = [Int](repeating: 1, count: producers)
        for text in try await log.texts(limit: 100_000) {
            let parts = text.split(separator: ".").compactMap { Int($0) }
            try #require(parts.count == 2 && next[parts[0]] == parts[1])
            next[parts[0]] += 1
        }
        #expect(next.allSatisfy { $0 == each + 1 })
        await log.close()
    }

    @Test func producersOnManyThreadsEachGetTheirOwnSequence() async throws {
        let log = try open(ImageDisk(), options(segmentBytes: 4096))
        let found = await withTaskGroup(of: [(UInt64, String)].self) { group in
            for producer in 0..<16 {
                group.addTask {
                    var mine: [(UInt64, String)] = []
                    for number in 0..<50 {
                        log.buffer("\(producer)")
                        let text = "\(producer).\(number)"
                        mine.append((await log.append(text).sequence ?? 0, text))
                    }
                    return mine
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        let texts = try await log.texts()
        #expect(texts.count == 1600 && Set(found.map(\.0)).count == 800)
        #expect(found.allSatisfy { texts[Int($0.0) - 1] == $0.1 })
        await log.close()
    }

    @Test func aFullQueueRefusesAtOnceAndTakesMoreLater() async throws {
        let disk = ImageDisk()
        var options = options()
        (options.waitingEntries, options.waitingBytes) = (10, 100)
        let log = try open(disk, options)
        let gate = disk.gate()
        let first = log.start("first")
        await gate.arrival()
        for number in 2...10 { #expect(log.buffer("x")?.sequence == UInt64(number)) }
        let last = log.start("last")
        #expect(log.buffer("x")?.code == .overloaded && log.status().overloaded == 1 && log.status().waiting == 10 && log.status().last == 11)
        gate.open()
        #expect(await first.result?.sequence == 1)
        #expect(await last.result?.sequence == 11)
        #expect(await log.append("more").sequence == 12)
        #expect(log.status().overloaded == 1 && log.status().lost == 0)
        await log.close()
    }

    @Test func theQueueIsBoundedInBytesToo() async throws {
        let disk = ImageDisk()
        var options = options()
        (options.waitingEntries, options.waitingBytes) = (1000, 100)
        let log = try open(disk, options)
        let gate = disk.gate()
        let first = log.start("first")
        await gate.arrival()
        #expect(log.buffer(String(repeating: "x", count: 60))?.sequence == 2)
        #expect(log.buffer(String(repeating: "x", count: 41))?.code == .overloaded)
        #expect(log.buffer(String(repeating: "x", count: 40))?.sequence == 3)
        #expect(log.buffer("x")?.code == .overloaded)
        gate.open()
        #expect(await first.result?.sequence == 1)
        await log.close()
        #expect(log.status().durable == 3 && log.status().overloaded == 2)
    }

    @Test func aBufferedEntryCompletesAtOnceAndIsWrittenWithTheNextDurableOne() async throws {
        let disk = ImageDisk()
        let log = try open(disk)
        let before = disk.count(.sync)
        #expect(log.buffer("one")?.sequence == 1 && log.buffer("two")?.sequence == 2)
        #expect(log.status().durable == 0 && disk.count(.sync) == before)
        #expect(await log.append("three").sequence == 3)
        #expect(log.status().durable == 3 && disk.count(.sync) == before + 1)
        #expect(try await log.texts() == ["one", "two", "three"])
        await log.close()
    }

    @Test func aBufferedEntryIsDurableAfterOneFlushInterval() async throws {
        let disk = ImageDisk()
        var options = options()
        options.flushInterval = .milliseconds(1)
        let log = try open(disk, options)
        let (syncs, synced) = AsyncStream<Void>.makeStream()
        disk.onSync.withLock { $0 = { synced.yield() } }
        for number in 1...3 {
            #expect(log.buffer("\(number)")?.sequence == UInt64(number))
            for await _ in syncs.prefix(1) {}
        }
        await log.close()
        #expect(log.status().durable == 3)
    }

    /// What fills a quarter of the queue is written, so that it keeps nobody out.
    @Test(arguments: [([999, 1], 1000), ([1, 1, 1], 12)]) func muchThatIsBufferedDoesNotWaitForTheFlush(_ sizes: [Int], _ waitingEntries: Int) async throws {
        let disk = ImageDisk()
        var options = options()
        (options.waitingEntries, options.waitingBytes) = (waitingEntries, 4000)
        let log = try open(disk, options)
        let gate = disk.gate()
        for size in sizes { #expect(log.buffer(String(repeating: "x", count: size))?.sequence != nil) }
        await gate.arrival()
        gate.open()
        await log.close()
        #expect(log.status().durable == UInt64(sizes.count))
    }

    @Test func closingWritesWhatWaitsAndRefusesTheRest() async throws {
        let disk = ImageDisk()
        let log = try open(disk)
        for number in 1...5 { log.buffer("\(number)") }
        await log.close()
        await log.close()
        #expect(log.buffer("late")?.code == .unavailable)
        #expect(await log.append("late").code == .unavailable)
        #expect(await failure { try await log.read(after: 0, limit: 1) }?.code == .unavailable)
        #expect(await failure { try await log.acknowledge(through: 1) }?.code == .unavailable)
        var generator = SeededGenerator(seed: 3)
        let again = try open(disk.afterPowerCut(using: &generator))
        #expect(try await again.texts() == ["1", "2", "3", "4", "5"])
        await again.close()
    }

    @Test func aLogThatIsLetGoWritesWhatWaits() async throws {
        let disk = ImageDisk()
        var log: SegmentLog? = try open(disk)
        log?.buffer("kept")
        log = nil
        // The folder is free only when its thread has ended.
        var again: SegmentLog?
        while again == nil {
            again = try? open(disk)
            await Task.yield()
        }
        #expect(again?.status().durable == 1)
        await again?.close()
    }
}

/// A real disk whose syncs of files are counted.
final class CountingDisk: LogDisk {
    private let disk: FolderDisk
    private let counter = Kept(0)

    init(_ disk: FolderDisk) { self.disk = disk }

    var syncs: Int { counter.value.withLock { $0 } }

    func claim() throws(DiskFailure) { try disk.claim() }
    func release() { disk.release() }
    func names() throws(DiskFailure) -> [String] { try disk.names() }
    func open(_ name: String, _ mode: OpeningMode) throws(DiskFailure) -> any LogFile { CountingFile(file: try disk.open(name, mode), counter: counter) }
    func rename(_ name: String, to newName: String) throws(DiskFailure) { try disk.rename(name, to: newName) }
    func remove(_ name: String) throws(DiskFailure) { try disk.remove(name) }
    func syncFolder() throws(DiskFailure) { try disk.syncFolder() }
}

private final class CountingFile: LogFile {
    private let file: any LogFile
    private let counter: Kept<Int>

    init(file: any LogFile, counter: Kept<Int>) {
        self.file = file
        self.counter = counter
    }

    func size() throws(DiskFailure) -> Int { try file.size() }
    func read(at offset: Int, count: Int) throws(DiskFailure) -> [UInt8] { try file.read(at: offset, count: count) }
    func write(_ bytes: [UInt8], at offset: Int) throws(DiskFailure) { try file.write(bytes, at: offset) }
    func truncate(to size: Int) throws(DiskFailure) { try file.truncate(to: size) }

    func sync() throws(DiskFailure) {
        counter.value.withLock { $0 += 1 }
        try file.sync()
    }
}
