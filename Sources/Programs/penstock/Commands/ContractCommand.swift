// Data contracts, held against tables.
import ArgumentParser
import Contracts
import Foundation
import Primitives

struct ContractCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contract", abstract: "Checks tables against their contracts.", discussion: "  penstock contract check contracts/training.yaml train.csv",
        subcommands: [Check.self])

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Reads a table row by row and says whether it keeps its contract.",
            discussion: """
                CSV or JSON lines. Ends at the first row that breaks the contract, with exit code 1, its line and the column.

                  penstock contract check contracts/training.yaml train.csv
                  penstock contract check contracts/request.yaml requests.jsonl --output json
                """)
        @OptionGroup var output: OutputOptions
        @Argument(help: "The contract, an ODCS v3 file.") var contract: String
        @Argument(help: "The table.") var table: String

        private struct Verdict: Codable {
            var holds: Bool
            var rows: Int
            var line: Int?
            var message: String?
        }

        func run() async throws {
            let contract = try DataContract.read(try ServiceFiles.File(contract).document)
            var check = try TableCheck(contract)
            guard let handle = FileHandle(forReadingAtPath: table) else { throw Failure.missingFile("the file \(table) cannot be read; check the name and its permissions") }
            defer { try? handle.close() }
            do {
                while let data = try handle.read(upToCount: 1 << 18), !data.isEmpty { try check.feed(Array(data)) }
                let rows = try check.finish().rows
                show(Verdict(holds: true, rows: rows), "\(table) keeps the contract '\(contract.id)': \(rows) rows")
            } catch let error as TableError {
                if output.output == .json { show(Verdict(holds: false, rows: check.rows, line: error.line, message: error.message), "") }
                throw Failure.no("\(table):\(error.line): \(error.message); \(check.rows) rows before it keep the contract '\(contract.id)'")
            } catch { throw Failure.missingFile("\(table) cannot be read as a file; check that it is one") }
        }

        private func show(_ verdict: Verdict, _ sentence: String) {
            switch output.output {
            case .json: print(Terminal.escaped(json: String(decoding: StrictJSON.encode(verdict), as: UTF8.self)))
            case .table: print(Terminal.clean(sentence))
            }
        }
    }
}
