// One row of a table of refusals: what is asked, and how the program must say no.
import Foundation
import Primitives
import Testing

struct Refusal: Sendable, CustomTestStringConvertible {
    var name: String
    var arguments: [String]
    var code: Int32
    /// What the one line on standard error must contain.
    var says: [String]
    /// Files that this row needs, by their path in the folder.
    var files: [String: String] = [:]
    var variables: [String: String?] = [:]
    var wrapper: [String] = []

    init(
        _ name: String, _ command: String, _ more: [String] = [], exits code: Int32, says: String..., files: [String: String] = [:], with variables: [String: String?] = [:],
        wrapper: [String] = []
    ) {
        self.name = name
        arguments = command.split(separator: " ").map(String.init) + more
        self.code = code
        self.says = says
        self.files = files
        self.variables = variables
        self.wrapper = wrapper
    }

    var testDescription: String { name }

    /// The whole promise: the code, one clear line, nothing on standard output, and no file new or changed.
    func check(in folder: Folder, _ program: Program? = nil) async throws {
        for (path, text) in files { try folder.write(text, to: path) }
        let before = try folder.snapshot()
        let run = try await (program ?? Program.built.get()).run(arguments, in: folder.path, variables, wrapper: wrapper)
        expectRefused(run)
        #expect(try folder.snapshot().changes(since: before) == [], "\(name)")
    }

    func expectRefused(_ run: Run) {
        #expect(!run.isKilled && run.code == code, "\(name): \(run.code) \(run.errors)")
        #expect(run.output == "", "\(name)")
        if code == 64 {
            #expect(run.errors.hasPrefix("Error: "), "\(name): \(run.errors)")
        } else {
            #expect(run.errors.hasPrefix("penstock: ") && run.errors.hasSuffix("\n") && run.errors.count { $0.isNewline } == 1, "\(name): \(run.errors)")
        }
        for text in says { #expect(run.errors.contains(text), "\(name): \(run.errors)") }
        #expect(!run.errors.unicodeScalars.contains { $0.properties.generalCategory == .control && $0 != "\n" }, "\(name)")
    }
}

/// A folder that is removed with the last one who holds it.
final class Folder: Sendable {
    let path: String

    init() throws {
        // Resolved, so that a path in a message is the path that was given.
        var name = Array((NSTemporaryDirectory() + "/penstock-cli-XXXXXX").utf8CString)
        guard mkdtemp(&name) != nil else { throw ProgramError(description: "no temporary folder can be made") }
        path = URL(filePath: String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)).resolvingSymlinksInPath().path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// With copies of what is in another folder.
    convenience init(copying other: Folder) throws {
        try self.init()
        for name in try FileManager.default.contentsOfDirectory(atPath: other.path) {
            try FileManager.default.copyItem(atPath: other.path + "/" + name, toPath: path + "/" + name)
        }
    }

    func write(_ text: String, to name: String) throws { try write(Array(text.utf8), to: name) }

    func write(_ bytes: [UInt8], to name: String) throws {
        let url = URL(filePath: path + "/" + name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }

    func read(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path + "/" + name))) }

    func snapshot() throws -> Snapshot { try Snapshot(of: path) }
}

/// What is in a folder: every path with its mode and its content.
struct Snapshot: Sendable {
    private(set) var entries: [String: String] = [:]

    init(of folder: String) throws {
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
            let path = folder + "/" + name
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
            let content = attributes[.type] as? FileAttributeType == .typeRegular ? Digest.of(Array(FileManager.default.contents(atPath: path) ?? Data())).hex : "folder"
            entries[name] = "\(String(mode, radix: 8)) \(content)"
        }
    }

    func changes(since before: Snapshot) -> [String] {
        Set(entries.keys).union(before.entries.keys).filter { entries[$0] != before.entries[$0] }.sorted()
    }
}
