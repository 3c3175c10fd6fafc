// Names, sizes, openings, rooms, decisions and scripts, on today's tree and on planted breaches of each rule.
import Testing

@Suite struct ShapeTests {
    private static let code = [".swift", ".c", ".h", ".py"]
    private static let texts = code + [".md", ".yaml", ".yml", ".sh", ".in", "Makefile"]

    private static func isScript(_ path: String) -> Bool { path.hasPrefix("scripts/") && !path.dropFirst(8).contains(where: { "./".contains($0) }) }

    @Test func everyRoomIsThereAndEveryFileHasOne() throws {
        let manifest = try Manifest(try Checkout.text("Package.swift"))
        #expect(manifest.rooms.count > 25)
        let files = try Checkout.files(below: "Sources") + Checkout.files(below: "Tests")
        #expect(manifest.violations(files: files).map(\.description) == [])
    }

    @Test func aMissingRoomIsFound() throws {
        let manifest = try Manifest("let rooms = [Room(path: \"Ports\", needs: []),\n    Room(\n        path: \"Domain/Gone\"), Room(path: \"Tests/Domain/A\")]")
        #expect(manifest.rooms.map(\.folder) == ["Sources/Ports", "Sources/Domain/Gone", "Tests/Domain/A"] && manifest.rooms.map(\.name) == ["Ports", "Gone", "A"])
        let files = [
            "Sources/Ports/Deep/A.swift", "Sources/PortsToo/A.swift", "Sources/Domain/A.swift", "Tests/Domain/A/A.swift", "Tests/Domain/B/A.swift", "Sources/Domain/notes.md",
        ]
        #expect(
            manifest.violations(files: files).map(\.description) == [
                "Package.swift: the room Sources/Domain/Gone holds no file", "Sources/PortsToo/A.swift: no room of Package.swift builds this file",
                "Sources/Domain/A.swift: no room of Package.swift builds this file", "Tests/Domain/B/A.swift: no room of Package.swift builds this file",
            ])
        let twice = try Manifest("Room(path: \"A\") Room(path: \"A\")").violations(files: ["Sources/A/a.swift"])
        #expect(twice.map(\.message) == ["the room Sources/A is listed 2 times"])
        #expect(throws: Manifest.Unreadable.self) { try Manifest("let targets = []") }
    }

    @Test func foldersAreConcepts() throws {
        let paths = try Checkout.files(below: "Sources")
        #expect(ShapeRules.folders(of: paths).map(\.description) == [])
        let planted = [
            "Sources/Domain/Models/A.swift", "Sources/Services/Helpers/Deep/A.swift", "Sources/Misc/A.swift", "Sources/utils/A.swift", "Sources/Common/A.swift",
            "Sources/Registry/Models.swift",
        ]
        #expect(ShapeRules.folders(of: planted).map(\.path) == ["Sources/Common", "Sources/Domain/Models", "Sources/Misc", "Sources/Services/Helpers", "Sources/utils"])
    }

    @Test func filesAreShortAndOpenWithTheirRole() throws {
        let paths =
            try ["Sources", "Tests", "scripts"].flatMap(Checkout.files).filter { path in Self.code.contains(where: path.hasSuffix) || Self.isScript(path) } + ["Package.swift"]
        #expect(paths.count > 120)
        let found = try paths.flatMap { path in
            let text = try Checkout.text(path)
            return ShapeRules.length(of: path, text: text) + ShapeRules.opening(of: path, text: text)
        }
        #expect(found.map(\.description) == [])
    }

    @Test func aLongFileIsFound() {
        #expect(ShapeRules.length(of: "A.swift", text: String(repeating: "a\n", count: 799)).isEmpty)
        #expect(ShapeRules.length(of: "A.swift", text: String(repeating: "a\n", count: 800)).count == 1)
    }

    @Test(arguments: [
        ("A.swift", ""), ("A.swift", "private import Foundation\n\n// What keys are and how they sign.\n"), ("A.swift", "\n// What keys are.\n"),
        ("A.swift", "//\n// A.swift\n// Project.\n"),
        ("A.swift", "// What keys are and how they sign\nimport A\n"), ("A.swift", "// Keys.\n"), ("A.swift", "/// What a key is and does.\nstruct Key {}\n"),
        ("A.swift", "# What keys are.\n"),
        ("Package.swift", "// swift-tools-version: 6.2\nimport A\n"), ("scripts/a", "#!/bin/sh\nset -e\n"), ("a.py", "import sys\n"),
        ("a.h", "#pragma once\n// What a handle is.\n"),
    ]) func aFileWithoutItsRoleIsFound(_ path: String, _ text: String) { #expect(ShapeRules.opening(of: path, text: text).count == 1) }

    @Test(arguments: [
        ("A.swift", "// What keys are and how they sign.\nimport A\n"), ("A.swift", "// What keys are, and\n// how they sign.\nimport A\n"),
        ("A.swift", "// What can go wrong. A bad value is no error: it is measured and bad\n"),
        ("Package.swift", "// swift-tools-version: 6.2\n// The rooms of the house.\nimport A\n"), ("scripts/a", "#!/bin/sh\n# Says what is missing. usage: a\nset -e\n"),
        ("a.py", "\"\"\"Says what is missing.\"\"\"\n"), ("a.py", "\"\"\"Says what is\nmissing.\n\nMore\n\"\"\"\n"), ("a.h", "// What a handle is.\n#pragma once\n"),
    ]) func aRoleIsReadInEveryLanguage(_ path: String, _ text: String) { #expect(ShapeRules.opening(of: path, text: text).map(\.description) == []) }

    @Test func aDebtIsFoundWhereverItIsAWord() {
        let word = "TO" + "DO", other = "FIX" + "ME"
        let found = ShapeRules.debts(in: "a.md", text: "a \(word): b\n\n(\(other))\n\(word)S, \(word.lowercased()), A\(word), \(word)_LIST\n")
        #expect(found.map(\.line) == [1, 3])
    }

    @Test func decisionsAreNumberedAndStand() throws {
        let files = try Checkout.files(below: "docs/adr").filter { $0.hasSuffix(".md") }.map { (path: $0, text: try Checkout.text($0)) }
        #expect(files.count >= 3)
        #expect(ShapeRules.decisions(files).map(\.description) == [])
    }

    private static let sound: [(path: String, text: String)] = [
        ("docs/adr/0002-b.md", "# 2. B\n\nStatus: superseded by 3\n"), ("docs/adr/0001-a.md", "# 1. A\n\nStatus: accepted\n"),
        ("docs/adr/0003-c.md", "# 3. C\n\nStatus: proposed\n"),
    ]

    @Test func soundDecisionsPass() { #expect(ShapeRules.decisions(Self.sound).map(\.description) == []) }

    @Test(arguments: [
        ("docs/adr/0004-d.md", "# 4. D\n", 1), ("docs/adr/0004-d.md", "# 4. D\nStatus: perhaps\n", 1), ("docs/adr/0004-d.md", "# 5. D\nStatus: accepted\n", 1),
        ("docs/adr/0003-d.md", "# 3. D\nStatus: accepted\n", 1), ("docs/adr/0005-d.md", "# 5. D\nStatus: accepted\n", 1), ("docs/adr/4-d.md", "# 4. D\nStatus: accepted\n", 1),
        ("docs/adr/notes.md", "Notes\n", 3), ("docs/adr/0004-d.md", "# 4. D\nStatus: accepted\n", 0), ("docs/adr/0001-0.md", "# 1. D\nStatus: accepted\n", 3),
    ]) func aPlantedDecisionIsJudged(_ path: String, _ text: String, _ count: Int) {
        #expect(ShapeRules.decisions(Self.sound + [(path, text)]).count == count)
    }

    @Test func scriptsCanBeStarted() throws {
        let paths = try Checkout.files(below: "scripts")
        #expect(paths.count(where: Self.isScript) >= 4)
        let found = try paths.flatMap { ShapeRules.script($0, text: try Checkout.text($0), isExecutable: try Checkout.isExecutable($0)) }
        #expect(found.map(\.description) == [])
    }

    @Test(arguments: [
        ("scripts/a", "#!/bin/sh\n", true, 0), ("scripts/a", "#!/bin/sh\n", false, 1), ("scripts/a", "set -e\n", true, 1), ("scripts/a", "set -e\n", false, 1),
        ("scripts/a.py", "import a\n", false, 0),
        ("scripts/a.py", "#!/usr/bin/env python3\n", false, 1), ("scripts/python/a.lock", "a==1\n", false, 0), ("scripts/python/a.lock", "a==1\n", true, 1),
        ("scripts/python/a", "a\n", false, 0),
    ]) func aPlantedScriptIsJudged(_ path: String, _ text: String, _ isExecutable: Bool, _ count: Int) {
        #expect(ShapeRules.script(path, text: text, isExecutable: isExecutable).count == count)
    }

    @Test(.enabled(if: Checkout.isGit, "an unpacked archive knows no tracked files")) func whatIsTrackedIsSmallAndOwesNothing() throws {
        let paths = try Checkout.tracked()
        #expect(paths.count > 150 && paths.contains("Package.swift") && !paths.contains { $0.hasPrefix(".build/") })
        let large = try paths.flatMap { ShapeRules.size(of: $0, bytes: try Checkout.size($0)) }
        #expect(large.map(\.description) == [])
        let texts = paths.filter { path in Self.texts.contains(where: path.hasSuffix) || Self.isScript(path) }
        let debts = try texts.flatMap { ShapeRules.debts(in: $0, text: try Checkout.text($0)) }
        #expect(debts.map(\.description) == [])
    }

    @Test func aLargeFileIsFound() {
        #expect(ShapeRules.size(of: "a.csv", bytes: 1_048_576).isEmpty && ShapeRules.size(of: "a.csv", bytes: 1_048_577).count == 1)
    }
}
