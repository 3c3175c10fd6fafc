// The files of this repository, found from where this test's source lies.
private import Foundation

enum Checkout {
    /// The nearest folder above this file that holds a manifest, links followed.
    private static let root: URL = {
        var folder = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        while folder.path != "/", !FileManager.default.fileExists(atPath: folder.appending(path: "Package.swift").path) { folder.deleteLastPathComponent() }
        return folder
    }()

    /// An unpacked archive of the sources knows no tracked files.
    static let isGit = FileManager.default.fileExists(atPath: root.appending(path: ".git").path)

    static func text(_ path: String) throws -> String { String(decoding: try Data(contentsOf: root.appending(path: path)), as: UTF8.self) }

    /// Every file below a folder of the repository, sorted, but what is hidden or made by a run.
    static func files(below folder: String) throws -> [String] {
        let skipped: Set = ["__pycache__", "out"]
        var found: [String] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path).sorted() where !name.hasPrefix(".") && !skipped.contains(name) {
            let path = folder + "/" + name
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: root.appending(path: path).path, isDirectory: &isFolder) else { continue }
            if isFolder.boolValue { found += try files(below: path) } else { found.append(path) }
        }
        return found
    }

    private static let read = Result {
        try ["Sources", "Tests"].flatMap(files).filter { $0.hasSuffix(".swift") }.map { SwiftSource(path: $0, text: try text($0)) }
    }

    /// The Swift files below a folder of `Sources` or `Tests`.
    static func swift(below folder: String) throws -> [SwiftSource] { try read.get().filter { $0.path.hasPrefix(folder + "/") } }

    /// What a commit would hold: tracked files, and new ones that no rule ignores.
    static func tracked() throws -> [String] {
        let git = Process()
        let output = Pipe()
        git.executableURL = URL(filePath: "/usr/bin/env")
        git.arguments = ["git", "-c", "safe.directory=\(root.path)", "-C", root.path, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        git.standardOutput = output
        try git.run()
        let names = output.fileHandleForReading.readDataToEndOfFile()
        git.waitUntilExit()
        guard git.terminationStatus == 0 else { throw CocoaError(.fileReadUnknown) }
        return Set(names.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }).sorted().filter { exists($0) }
    }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: root.appending(path: path).path) }

    static func size(_ path: String) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: root.appending(path: path).path)[.size] as? Int ?? 0
    }

    static func isExecutable(_ path: String) throws -> Bool {
        let mode = try FileManager.default.attributesOfItem(atPath: root.appending(path: path).path)[.posixPermissions] as? Int
        return (mode ?? 0) & 0o100 != 0
    }
}
