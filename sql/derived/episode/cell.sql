-- What the touched episodes add to the table cell (sql/views/15_cell.sql), and add no longer; two
-- rows per episode. To bring those of one combination together would take longer than it saves.
INSERT INTO cell FROM cell_parts('touched')
