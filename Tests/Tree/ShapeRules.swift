// How files and folders are named, sized and opened, and that every room of the manifest is there.

/// The rooms that Package.swift lists, and where each stands.
struct Manifest {
    struct Unreadable: Error {}

    var rooms: [(name: String, folder: String)]

    init(_ text: String) throws {
        rooms = text.split(separator: "Room(", omittingEmptySubsequences: false).dropFirst().compactMap { piece in
            let piece = piece.drop { $0.isWhitespace }
            guard piece.hasPrefix("path: \""), let path = piece.dropFirst(7).split(separator: "\"").first else { return nil }
            let folder = path.hasPrefix("Tests/") ? String(path) : "Sources/" + path
            return (String(path.split(separator: "/").last ?? ""), folder)
        }
        guard !rooms.isEmpty else { throw Unreadable() }
    }

    func violations(files: [String]) -> [Violation] {
        let folders = rooms.map(\.folder)
        var found = folders.filter { folder in !files.contains { $0.hasPrefix(folder + "/") } }.map {
            Violation(path: "Package.swift", message: "the room \($0) holds no file")
        }
        for (folder, count) in Dictionary(folders.map { ($0, 1) }, uniquingKeysWith: +).sorted(by: { $0.key < $1.key }) where count > 1 {
            found.append(Violation(path: "Package.swift", message: "the room \(folder) is listed \(count) times"))
        }
        for path in files where path.hasSuffix(".swift") && !folders.contains(where: { path.hasPrefix($0 + "/") }) {
            found.append(Violation(path: path, message: "no room of Package.swift builds this file"))
        }
        return found
    }
}

enum ShapeRules {
    static let vagueFolders: Set = ["models", "helpers", "helper", "utils", "util", "utilities", "common", "misc", "extensions", "shared", "types"]

    /// Folders are concepts, never kinds.
    static func folders(of paths: [String]) -> [Violation] {
        Set(
            paths.flatMap { path in
                let parts = path.split(separator: "/").dropLast()
                return parts.indices.filter { vagueFolders.contains(parts[$0].lowercased()) }.map { parts[...$0].joined(separator: "/") }
            }
        ).sorted().map { Violation(path: $0, message: "names a kind of code; name the concept it is about") }
    }

    static let mostLines = 800

    static func length(of path: String, text: String) -> [Violation] {
        let lines = text.utf8.count { $0 == UInt8(ascii: "\n") }
        return lines < mostLines ? [] : [Violation(path: path, message: "has \(lines) lines; at \(mostLines) a file is split by what it is about")]
    }

    /// The first lines say in a sentence what the file is for: after `//` in Swift and C, after `#` or in a docstring elsewhere.
    static func opening(of path: String, text: String) -> [Violation] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
        if let first = lines.first, first.hasPrefix("#!") || first.hasPrefix("// swift-tools-version") { lines = lines.dropFirst() }
        let first = lines.first ?? ""
        let mark = ["// ", "# ", "\"\"\""].first(where: first.hasPrefix) ?? ""
        let isFitting = [".swift", ".c", ".h"].contains(where: path.hasSuffix) ? mark == "// " : !mark.isEmpty
        let block = mark == "\"\"\"" ? lines.prefix { !$0.isEmpty } : lines.prefix { $0.hasPrefix(mark) }
        let sentence = block.map { $0.drop { "/#\" ".contains($0) } }.joined(separator: " ")
        let end = sentence.firstRange(of: ". ")?.lowerBound ?? sentence.lastIndex(of: ".") ?? sentence.startIndex
        guard !isFitting || sentence[..<end].split(separator: " ").count < 3 else { return [] }
        return [Violation(path: path, line: 1, message: "must open with a one-sentence comment on its role, with a full stop")]
    }

    private static let debts: Set = ["TO" + "DO", "FIX" + "ME"]

    /// What is left to do belongs in an issue.
    static func debts(in path: String, text: String) -> [Violation] {
        text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().flatMap { index, line in
            line.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.filter { debts.contains(String($0)) }.map {
                Violation(path: path, line: index + 1, message: "\($0): do it, or open an issue")
            }
        }
    }

    /// Decisions are numbered from 1 without a gap, headed by their number, and each says how it stands.
    static func decisions(_ files: [(path: String, text: String)]) -> [Violation] {
        var found: [Violation] = []
        for (expected, file) in zip(1..., files.sorted { $0.path < $1.path }) {
            let name = file.path.split(separator: "/").last ?? ""
            let number = name.prefix { $0 != "-" }
            if number.count != 4 || Int(number) != expected { found.append(Violation(path: file.path, message: "expected the number \(expected) here, in four digits")) }
            if !file.text.hasPrefix("# \(Int(number) ?? 0). ") { found.append(Violation(path: file.path, line: 1, message: "the heading must begin with the number of the file")) }
            let standings = ["proposed", "accepted", "rejected", "superseded by"]
            let status = file.text.split(separator: "\n").first { $0.hasPrefix("Status: ") }?.dropFirst(8) ?? ""
            if !standings.contains(where: status.hasPrefix) {
                found.append(Violation(path: file.path, message: "needs a line 'Status: ' with one of \(standings.joined(separator: ", "))"))
            }
        }
        return found
    }

    /// What has an interpreter line can be started, and the other way round; a script without an ending has both.
    static func script(_ path: String, text: String, isExecutable: Bool) -> [Violation] {
        let hasInterpreter = text.hasPrefix("#!")
        let name = path.split(separator: "/").last ?? ""
        let isCommand = path.split(separator: "/").count == 2 && path.hasPrefix("scripts/") && !name.contains(".")
        if (hasInterpreter || isCommand) && !isExecutable { return [Violation(path: path, message: "is a script and not executable; chmod +x")] }
        if (isExecutable || isCommand) && !hasInterpreter { return [Violation(path: path, message: "is executable and names no interpreter in its first line")] }
        return []
    }

    static let mostBytes = 1 << 20

    static func size(of path: String, bytes: Int) -> [Violation] {
        bytes <= mostBytes ? [] : [Violation(path: path, message: "has \(bytes) bytes; the repository holds nothing over \(mostBytes)")]
    }
}
