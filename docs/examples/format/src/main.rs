//! CSV in, NDJSON out; the line that is no record is named and left out.

use pelton_format::{Csv, Format, Ndjson};
use pelton_record::{Block, Origin};

const TEXT: &[u8] = b"city,trips,fare
Oslo,7,19.90
\"Bern, old town\",12,4.50
Wien,three,1.00
Riga,5,2.25
";

fn main() -> Result<(), pelton_format::Error> {
    let csv = Csv::default();
    let opened = csv.open(&TEXT[..TEXT.len() - 32], false)?;
    println!("# {}", opened.schema);

    let wanted: Vec<usize> = (0..opened.schema.len()).collect();
    let mut decoder = csv.decoder(&opened.schema, &wanted);
    let records = Block::new(TEXT[opened.data_start..].to_vec());
    let batch = decoder.decode(records, Origin::default());

    let mut out = Vec::new();
    let mut encoder = Ndjson::default().encoder();
    encoder.begin(batch.schema(), &mut out);
    encoder.encode(&batch, &mut out);
    print!("{}", String::from_utf8_lossy(&out));
    for refused in batch.rejected() {
        println!("# refused: {}", refused.reason);
    }
    assert_eq!((batch.rows(), batch.rejected().len()), (3, 1));
    Ok(())
}
