// Artifacts whose files somebody changes, plants or fills up.
import FileArtifacts
import Foundation
import Ports
import Primitives
import Testing

@Suite struct FileArtifactsTests {
    private let folder: Folder
    private let store: FileArtifacts
    private let bytes = [UInt8]("penstock".utf8) + (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    private var digest: Digest { Digest.of(bytes) }

    init() throws {
        folder = try Folder()
        store = try FileArtifacts(folder: folder("artifacts"))
    }

    private func path(_ digest: Digest) -> String { folder("artifacts/sha256/\(digest.hex.prefix(2))/\(digest.hex)") }

    private func stream(_ chunks: [[UInt8]], then error: (any Error)? = nil) -> any AsyncSequence<[UInt8], any Error> & Sendable {
        AsyncThrowingStream<[UInt8], any Error> { continuation in
            for chunk in chunks { continuation.yield(chunk) }
            continuation.finish(throwing: error)
        }
    }

    /// What is left in the store's folder: names of files only.
    private func files() throws -> [String] {
        try folder.names().filter { !["artifacts", "artifacts/sha256", "artifacts/incoming"].contains($0) && !$0.hasSuffix("sha256/" + $0.suffix(2)) }
    }

    @Test func aFileIsNamedByItsDigestOnly() async throws {
        _ = try await store.put(bytes)
        try await store.put(stream: stream([bytes]), expecting: digest, limit: bytes.count)
        #expect(try files() == ["artifacts/sha256/\(digest.hex.prefix(2))/\(digest.hex)"])
        #expect(try Files.bytes(path(digest)) == bytes)
        #expect(try await store.verifiedFile(digest) == path(digest))
    }

    /// A digest is 32 bytes, so no text from outside is in a path.
    @Test(arguments: ["../../../etc/passwd", "sha256:..", "sha256:" + String(repeating: "../", count: 21) + "x", "sha256:" + String(repeating: "A", count: 64), "/etc/passwd"])
    func noTextWithAPathIsADigest(_ text: String) {
        #expect(Digest(parsing: text) == nil)
    }

    private struct Broken: Error {}

    @Test func whatIsRefusedLeavesNothing() async throws {
        let half = Array(bytes[..<150_000]), rest = Array(bytes[150_000...])
        let cases: [(ArtifactError.Code, any AsyncSequence<[UInt8], any Error> & Sendable, Digest, Int)] = [
            (.damaged, stream([half]), digest, .max), (.damaged, stream([rest, half]), digest, .max), (.damaged, stream([]), digest, .max),
            (.tooLarge, stream([half, rest]), digest, bytes.count - 1), (.tooLarge, stream([bytes]), digest, 0),
            (.unavailable, stream([half], then: Broken()), digest, .max), (.unavailable, stream([half], then: CancellationError()), digest, .max),
            (.unavailable, stream([half, rest], then: Broken()), digest, .max),
        ]
        for (code, chunks, digest, limit) in cases {
            let error = await artifactError { try await store.put(stream: chunks, expecting: digest, limit: limit) }
            #expect(error?.code == code)
            #expect(error?.digest == digest)
            #expect(error?.message.hasSuffix("; nothing was stored") == true)
            #expect(try files() == [])
            #expect(try await !store.contains(digest))
            #expect(await artifactError { _ = try await store.read(digest, limit: .max) }?.code == .missing)
        }
    }

    @Test func aChangedFileIsDamagedAndPuttingItAgainRepairsIt() async throws {
        var other = bytes
        other[200_000] ^= 1
        for changed in [other, Array(bytes.dropLast()), bytes + [0], [], Array(bytes.reversed())] {
            _ = try await store.put(bytes)
            try Files.write(changed, to: path(digest))
            #expect(await artifactError { _ = try await store.read(digest, limit: .max) }?.code == .damaged)
            let error = await artifactError { _ = try await store.verifiedFile(digest) }
            #expect(error?.code == .damaged && error?.digest == digest)
            #expect(error?.message.contains(path(digest)) == true)
            try await store.put(stream: stream([bytes]), expecting: digest, limit: .max)
            #expect(try await store.read(digest, limit: bytes.count) == bytes)
        }
    }

    @Test func aDeletedFileIsMissing() async throws {
        _ = try await store.put(bytes)
        try FileManager.default.removeItem(atPath: path(digest))
        #expect(try await !store.contains(digest))
        for read in [{ _ = try await store.read(digest, limit: .max) }, { _ = try await store.verifiedFile(digest) }] as [() async throws -> Void] {
            let error = await artifactError(read)
            #expect(error?.code == .missing && error?.digest == digest)
        }
    }

    enum Planted: CaseIterable { case linkToTheBytes, linkToOthers, linkToNothing, linkToZeros, folder, pipe }

    /// Something else stands where the file belongs: it is never followed, and what it points to never changes.
    @Test(arguments: Planted.allCases)
    func whatIsPlantedAtTheNameIsNotRead(_ planted: Planted) async throws {
        let place = path(digest), target = folder("target")
        try FileManager.default.createDirectory(atPath: (place as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Files.write(planted == .linkToTheBytes ? bytes : [1, 2, 3], to: target)
        let before = try Files.bytes(target)
        switch planted {
        case .linkToTheBytes, .linkToOthers: try FileManager.default.createSymbolicLink(atPath: place, withDestinationPath: target)
        case .linkToNothing: try FileManager.default.createSymbolicLink(atPath: place, withDestinationPath: target + "-gone")
        case .linkToZeros: try FileManager.default.createSymbolicLink(atPath: place, withDestinationPath: "/dev/zero")
        case .folder: try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
        case .pipe: try #require(mkfifo(place, 0o600) == 0)
        }
        for read in [{ _ = try await store.read(digest, limit: .max) }, { _ = try await store.verifiedFile(digest) }] as [() async throws -> Void] {
            #expect(await artifactError(read)?.code == .unavailable)
        }
        let error = await artifactError { _ = try await store.put(bytes) }
        if planted == .folder {
            #expect(error?.code == .unavailable)
        } else {
            #expect(error == nil, "a name is taken over, and what stood there goes")
            #expect(try await store.read(digest, limit: bytes.count) == bytes)
            #expect(try Files.mode(place) == 0o600)
        }
        #expect(try Files.bytes(target) == before)
        #expect(!Files.exists(target + "-gone"))
    }

    @Test func aFolderThatIsALinkIsRefused() async throws {
        let elsewhere = folder("elsewhere"), prefix = folder("artifacts/sha256/\(digest.hex.prefix(2))")
        try FileManager.default.createDirectory(atPath: elsewhere, withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(atPath: prefix, withDestinationPath: elsewhere)
        let error = await artifactError { _ = try await store.put(bytes) }
        #expect(error?.code == .unavailable)
        #expect(error?.message == "\(prefix) must be a folder, and no link to one")
        #expect(try FileManager.default.contentsOfDirectory(atPath: elsewhere) == [])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder("artifacts/incoming")) == [])
        let link = folder("link")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: elsewhere)
        #expect(await artifactError { _ = try FileArtifacts(folder: link) }?.message == "\(link) must be a folder, and no link to one")
        try Files.write([1], to: folder("file"))
        #expect(await artifactError { _ = try FileArtifacts(folder: folder("file")) }?.code == .unavailable)
        #expect(await artifactError { _ = try FileArtifacts(folder: folder("file/below")) }?.code == .unavailable)
    }

    @Test func manyPutTheSameAtOnce() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<48 {
                group.addTask {
                    if caller.isMultiple(of: 3) {
                        #expect(try await store.put(bytes) == digest)
                    } else if caller % 3 == 1 {
                        try await store.put(stream: stream([Array(bytes[..<1000]), Array(bytes[1000...])]), expecting: digest, limit: bytes.count)
                    } else {
                        // One who has other bytes for this name, in the middle of it.
                        #expect(await artifactError { try await store.put(stream: stream([bytes, [0]]), expecting: digest, limit: .max) }?.code == .damaged)
                    }
                    // Either not there yet, or whole.
                    do { #expect(try await store.read(digest, limit: bytes.count) == bytes) } catch let error as ArtifactError { #expect(error.code == .missing) }
                }
            }
            try await group.waitForAll()
        }
        #expect(try files() == ["artifacts/sha256/\(digest.hex.prefix(2))/\(digest.hex)"])
        #expect(try await store.read(digest, limit: bytes.count) == bytes)
    }

    @Test func leftoversOfACrashGoAfterADay() throws {
        let incoming = folder("artifacts/incoming"), target = folder("target"), now = Date()
        try Files.write([1], to: target)
        for (name, age) in [("old", 25.0), ("young", 23.0)] {
            try Files.write([1], to: "\(incoming)/\(name)")
            try FileManager.default.setAttributes([.modificationDate: now.addingTimeInterval(-age * 3600)], ofItemAtPath: "\(incoming)/\(name)")
        }
        try FileManager.default.setAttributes([.modificationDate: now.addingTimeInterval(-48 * 3600)], ofItemAtPath: target)
        try FileManager.default.createSymbolicLink(atPath: incoming + "/link", withDestinationPath: target)
        try FileManager.default.createDirectory(
            atPath: incoming + "/inner", withIntermediateDirectories: false, attributes: [.modificationDate: now.addingTimeInterval(-48 * 3600)])
        _ = try FileArtifacts(folder: folder("artifacts"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: incoming).sorted() == ["inner", "link", "young"])
        #expect(Files.exists(target))
    }

    /// In a process of its own, whose files may not grow beyond 100 kB.
    @Test func aFullDiskStoresNothingAndTheStoreGoesOn() async {
        await #expect(processExitsWith: .success) {
            let folder = try Folder(), store = try FileArtifacts(folder: folder("artifacts"))
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 100_000, rlim_max: 100_000)
            try #require(setrlimit(__rlimit_resource_t(1), &limit) == 0)
            let large = [UInt8](repeating: 7, count: 300_000)
            let error = await artifactError { _ = try await store.put(large) }
            #expect(error?.code == .unavailable)
            #expect(error?.message.hasPrefix("the artifact cannot be written: ") == true && error?.message.hasSuffix("; nothing was stored") == true)
            #expect(try await !store.contains(Digest.of(large)))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder("artifacts/incoming")) == [])
            #expect(try await store.read(store.put([1, 2, 3]), limit: 3) == [1, 2, 3])
        }
    }

    /// In a process of its own: the current folder is the whole process's.
    @Test func aRelativeFolderStaysWhereItWasOpened() async {
        await #expect(processExitsWith: .success) {
            let folder = try Folder()
            try #require(chdir(folder.path) == 0)
            let store = try FileArtifacts(folder: "artifacts"), digest = try await store.put([1])
            try #require(chdir("/") == 0)
            #expect(try await store.verifiedFile(digest) == folder("artifacts/sha256/\(digest.hex.prefix(2))/\(digest.hex)"))
        }
    }
}
