// A disk that is full passes; a disk that cannot make durable ends the log, and nothing is acknowledged after it.
import Decisions
import Ports
import Primitives
import SegmentLog
import Testing

@Suite struct FailureTests {
    @Test func aFailedSyncEndsTheLog() async throws {
        let disk = ImageDisk()
        let log = try open(disk)
        for number in 1...5 { #expect(await log.append("\(number)").sequence == UInt64(number)) }
        let gate = disk.gate()
        disk.fail([.sync], once: true)
        let sixth = log.start("6")
        await gate.arrival()
        let seventh = log.start("7")
        #expect(log.buffer("8")?.sequence == 8)
        gate.open()
        for result in [await sixth.result, await seventh.result] {
            guard case .failure(let error) = result else {
                Issue.record("it must fail")
                return
            }
            #expect(error.code == .broken && error.message.contains("sync failed as told") && error.message.contains("restart"))
        }
        let operations = disk.operations
        #expect(log.buffer("9")?.code == .broken)
        #expect(await log.append("10").code == .broken)
        #expect(await failure { try await log.acknowledge(through: 3) }?.code == .broken)
        let status = log.status()
        #expect(status.broken?.contains("sync failed as told") == true && status.durable == 5 && status.lost == 1 && status.waiting == 0)
        #expect(try await log.texts() == ["1", "2", "3", "4", "5"])
        await log.close()
        #expect(disk.operations == operations)
        try await holds(disk, ["1", "2", "3", "4", "5"])
    }

    /// Whatever a crash now leaves of the rest, these come first.
    private func holds(_ disk: ImageDisk, _ texts: [String]) async throws {
        for seed in 0..<30 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let log = try open(disk.afterPowerCut(using: &generator))
            #expect(try await log.texts().starts(with: texts))
            await log.close()
        }
    }

    @Test(arguments: [ImageDisk.Operation.write, .create, .syncFolder]) func anyFailureButAFullDiskEndsTheLog(_ operation: ImageDisk.Operation) async throws {
        let disk = ImageDisk()
        let log = try open(disk, options(segmentBytes: 200))
        var kept: [String] = []
        disk.fail([operation], after: operation == .write ? 4 : 1, once: true)
        while log.status().broken == nil, kept.count < 100 {
            let text = "entry \(kept.count)"
            let result = await log.append(text)
            if result.sequence != nil { kept.append(text) } else { #expect(result.code == .broken) }
        }
        #expect(kept.count < 100 && log.buffer("late")?.code == .broken)
        await log.close()
        try await holds(disk, kept)
    }

    @Test func aFullDiskRefusesAndGoesOnWhenThereIsSpace() async throws {
        let disk = ImageDisk()
        let log = try open(disk)
        #expect(await log.append("one").sequence == 1)
        let whole = disk.files
        disk.limit(to: 30)
        #expect(log.buffer("buffered")?.sequence == 2)
        let refused = await log.append(String(repeating: "x", count: 100))
        #expect(refused.code == .unavailable && log.status().broken == nil && log.status().lost == 1)
        #expect(disk.files == whole)
        #expect(log.status().last == 1 && log.status().durable == 1)
        #expect(await log.append(String(repeating: "x", count: 100)).code == .unavailable)
        #expect(await log.append("small").sequence == 2)
        disk.heal()
        #expect(await log.append("three").sequence == 3)
        #expect(try await log.texts() == ["one", "small", "three"])
        await log.close()
        try await holds(disk, ["one", "small", "three"])
    }

    /// So that the numbers that were given stay true.
    @Test func whatWaitsBehindAFullDiskFailsWithIt() async throws {
        let disk = ImageDisk()
        let log = try open(disk)
        let gate = disk.gate()
        let first = log.start("first")
        await gate.arrival()
        disk.limit(to: 0)
        let second = log.start("second")
        gate.open()
        #expect(await first.result?.sequence == 1)
        #expect(await second.result?.code == .unavailable)
        disk.heal()
        #expect(await log.append("third").sequence == 2)
        await log.close()
        try await holds(disk, ["first", "third"])
    }

    @Test func aWriteThatWasTakenBackDoesNotComeBackAfterAPowerCut() async throws {
        for seed in 0..<50 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let disk = ImageDisk()
            let log = try open(disk)
            #expect(await log.append("one").sequence == 1)
            disk.limit(to: 700)
            for number in 0..<20 { log.buffer(String(repeating: "\(number % 10)", count: 20)) }
            #expect(await log.append(String(repeating: "x", count: 300)).code == .unavailable)
            let cut = try open(disk.afterPowerCut(using: &generator))
            #expect(try await cut.texts() == ["one"])
            await cut.close()
            await log.close()
        }
    }

    @Test func aDiskThatIsFullForANewSegmentIsTriedAgain() async throws {
        let disk = ImageDisk()
        let log = try open(disk, options(segmentBytes: 120))
        #expect(await log.append("a first entry of some length").sequence == 1)
        disk.limit(to: 50)
        #expect(await log.append("two").code == .unavailable)
        #expect(disk.files.keys.sorted() == [name(of: 1)])
        disk.heal()
        disk.fail([.create], full: true)
        #expect(await log.append("two").code == .unavailable)
        disk.heal()
        #expect(await log.append("two").sequence == 2)
        #expect(disk.files.keys.sorted() == [name(of: 1), name(of: 2)])
        #expect(try await log.texts() == ["a first entry of some length", "two"])
        await log.close()
    }

    @Test func aFullDiskThatCannotTakeBackEndsTheLog() async throws {
        for operation in [ImageDisk.Operation.truncate, .sync] {
            let disk = ImageDisk()
            let log = try open(disk)
            #expect(await log.append("one").sequence == 1)
            disk.limit(to: 10)
            disk.fail([operation])
            #expect(await log.append("two").code == .broken)
            await log.close()
            try await holds(disk, ["one"])
        }
    }

    @Test func anAcknowledgementThatCannotBeKeptChangesNothing() async throws {
        for operation in [ImageDisk.Operation.create, .write, .rename] {
            let disk = ImageDisk()
            let log = try open(disk)
            for number in 1...5 { _ = await log.append("\(number)") }
            disk.fail([operation], once: true)
            #expect(await failure { try await log.acknowledge(through: 3) }?.code == .unavailable)
            #expect(log.status().acknowledged == 0 && log.status().broken == nil)
            #expect(await log.append("6").sequence == 6)
            try await log.acknowledge(through: 2)
            #expect(log.status().acknowledged == 2)
            await log.close()
        }
    }

    @Test func anAcknowledgementThatNobodyKnowsToBeKeptEndsTheLog() async throws {
        for operation in [ImageDisk.Operation.sync, .syncFolder] {
            let disk = ImageDisk()
            let log = try open(disk)
            for number in 1...5 { _ = await log.append("\(number)") }
            log.buffer("waiting")
            disk.fail([operation], once: true)
            #expect(await failure { try await log.acknowledge(through: 3) }?.code == .broken)
            #expect(log.status().acknowledged == 0 && log.status().broken != nil && log.status().lost == 1)
            #expect(await log.append("6").code == .broken)
            await log.close()
        }
    }
}
