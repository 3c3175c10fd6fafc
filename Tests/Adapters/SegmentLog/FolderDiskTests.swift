// The folder belongs to one process and to nobody else, and a log in it outlives the process.
import Decisions
import Foundation
import Ports
import Primitives
import SegmentLog
import Testing

@Suite struct FolderDiskTests {
    private static func mode(_ path: String) throws -> Int {
        var status = stat()
        try #require(lstat(path, &status) == 0)
        return Int(status.st_mode & 0o7777)
    }

    private static func log(_ path: String, _ options: SegmentLog.Options = options(segmentBytes: 300)) throws -> SegmentLog {
        try SegmentLog(folder: path, node: node(), options: options)
    }

    @Test func aLogOutlivesItsProcess() async throws {
        let folder = try Folder()
        for round in 0..<3 {
            let log = try Self.log(folder("deep/log"))
            for number in 1...20 { #expect(await log.append("entry \(number)").sequence == UInt64(round * 20 + number)) }
            #expect(try await log.texts(after: UInt64(round * 20)) == (1...20).map { "entry \($0)" })
            try await log.acknowledge(through: log.status().durable - 3)
            await log.close()
            #expect(log.opening == OpeningReport())
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder("deep/log")).sorted()
        #expect(names.count < 6 && names.contains("cursor") && names.contains("lock") && !names.contains("cursor.new"))
    }

    @Test func onlyTheOwnerMayLook() async throws {
        let folder = try Folder()
        let log = try Self.log(folder("log"))
        for number in 1...20 { _ = await log.append("entry \(number)") }
        try await log.acknowledge(through: 20)
        await log.close()
        #expect(try Self.mode(folder("log")) == 0o700)
        for name in try FileManager.default.contentsOfDirectory(atPath: folder("log")) { #expect(try Self.mode(folder("log/" + name)) == 0o600, "\(name)") }
    }

    @Test func twoCannotOpenIt() async throws {
        let folder = try Folder()
        let log = try Self.log(folder("log"))
        let error = await failure { try Self.log(folder("log")) }
        #expect(error?.code == .unavailable && error?.message.contains("is open already") == true)
        #expect(await log.append("still").sequence == 1)
        await log.close()
        await (try Self.log(folder("log"))).close()
    }

    @Test func aRefusedLogLetsGoOfTheFolder() async throws {
        let folder = try Folder()
        await (try Self.log(folder("log"))).close()
        #expect(await failure { try SegmentLog(folder: folder("log"), node: node("node-b")) }?.code == .damaged)
        await (try Self.log(folder("log"))).close()
    }

    @Test func linksAreNotFollowed() async throws {
        let folder = try Folder()
        try FileManager.default.createDirectory(atPath: folder("real"), withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(atPath: folder("link"), withDestinationPath: folder("real"))
        #expect(await failure { try Self.log(folder("link")) }?.message.contains("no link to one") == true)
        for name in ["lock", name(of: 1)] {
            try Data("canary".utf8).write(to: URL(filePath: folder("canary")))
            try FileManager.default.createSymbolicLink(atPath: folder("real/" + name), withDestinationPath: folder("canary"))
            #expect(await failure { try Self.log(folder("real")) }?.code == .unavailable)
            #expect(try String(contentsOfFile: folder("canary"), encoding: .utf8) == "canary")
            try FileManager.default.removeItem(atPath: folder("real/" + name))
        }
        await (try Self.log(folder("real"))).close()
        try FileManager.default.createSymbolicLink(atPath: folder("real/cursor.new"), withDestinationPath: folder("canary"))
        let log = try Self.log(folder("real"))
        _ = await log.append("one")
        #expect(await failure { try await log.acknowledge(through: 1) }?.code == .unavailable)
        #expect(try String(contentsOfFile: folder("canary"), encoding: .utf8) == "canary")
        await log.close()
    }

    @Test func aFolderThatCannotBeIsSaidSo() async throws {
        let folder = try Folder()
        try Data().write(to: URL(filePath: folder("file")))
        #expect(await failure { try Self.log(folder("file")) }?.message.contains("must be a folder") == true)
        #expect(await failure { try Self.log(folder("file/log")) }?.message.contains("cannot") == true)
        try FileManager.default.createDirectory(atPath: folder("log/" + name(of: 1)), withIntermediateDirectories: true)
        #expect(await failure { try Self.log(folder("log")) }?.code == .unavailable)
    }

    @Test func aTornEndIsCutOnADiskToo() async throws {
        let folder = try Folder()
        let log = try Self.log(folder("log"), options())
        for number in 1...5 { _ = await log.append("entry \(number)") }
        await log.close()
        let path = folder("log/" + name(of: 1))
        try (Data(contentsOf: URL(filePath: path)) + Data([1, 2, 3])).write(to: URL(filePath: path))
        let again = try Self.log(folder("log"), options())
        #expect(again.opening == OpeningReport(cutBytes: 3, cutEntries: 0) && again.status().durable == 5)
        #expect(await again.append("entry 6").sequence == 6)
        #expect(try await again.texts() == (1...6).map { "entry \($0)" })
        await again.close()
    }
}
