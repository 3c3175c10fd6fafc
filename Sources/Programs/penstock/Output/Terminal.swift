// What people and programs see: sentences, tables, JSON.
import ArgumentParser
import Foundation
import Primitives
@preconcurrency import Rainbow

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json
}

struct OutputOptions: ParsableArguments {
    @Option(name: .long, help: "How results are printed: 'table' for people, 'json' for programs.")
    var output: OutputFormat = .table

    /// Prints the value as JSON, or its rows as a table.
    func show(_ value: some Encodable, columns: [String], rows: [[String]], empty: String) {
        switch output {
        case .json: print(Terminal.escaped(json: String(decoding: StrictJSON.encode(value), as: UTF8.self)))
        case .table: print(rows.isEmpty ? empty : Terminal.table(columns: columns, rows: rows.map { $0.map(Terminal.clean) }))
        }
    }
}

enum Terminal {
    /// Colours only where a person looks, and only if they did not ask for none.
    static func prepare() {
        Rainbow.enabled = isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
    }

    static func say(_ failure: Failure) {
        let sentence = failure.message.split(whereSeparator: \.isNewline).joined(separator: " ")
        FileHandle.standardError.write(Data("penstock: \(clean(sentence))\n".utf8))
    }

    /// Text that somebody else wrote.
    static func clean(_ text: String) -> String { text.harmless }

    /// The same for JSON, which has escapes: the value stays what it is.
    static func escaped(json text: String) -> String {
        guard !text.unicodeScalars.allSatisfy(\.isHarmless) else { return text }
        return text.unicodeScalars.map { scalar in
            scalar.isHarmless ? String(scalar) : String(scalar).utf16.map { String(format: "\\u%04x", Int($0)) }.joined()
        }.joined()
    }

    static func table(columns: [String], rows: [[String]]) -> String {
        let widths = columns.indices.map { column in ([columns[column]] + rows.map { $0[column] }).map(\.count).max() ?? 0 }
        func line(_ cells: [String]) -> String {
            zip(cells, widths).map { $0 + String(repeating: " ", count: max(0, $1 - $0.count)) }.joined(separator: "  ").trimmingSuffix(" ")
        }
        return ([line(columns).bold] + rows.map(line)).joined(separator: "\n")
    }
}

extension String {
    fileprivate func trimmingSuffix(_ character: Character) -> String {
        var text = self
        while text.last == character { text.removeLast() }
        return text
    }
}
